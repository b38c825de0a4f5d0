import type { Model, VolumeModel } from '../model.ts'
import { samePlace } from '../model.ts'
import type { SeenDisk, World } from '../world.ts'
import type { Definition, Definitions, OperationOf } from './definition.ts'

const DEADLINE_MS = 40_000

/** The disks through which an attachment reaches its LUN. */
async function disksOf(world: World, volume: VolumeModel): Promise<readonly SeenDisk[]> {
  const { model } = world
  return (await world.disks()).filter(({ iqn, lun }) => {
    const target = [...model.targets.values()].find((one) => one.iqn === iqn)
    return target !== undefined && samePlace(volume.uses, { target: target.name, lun })
  })
}

const nameOf = (operation: object) => (operation as { readonly volume: string }).volume

function onDisks<K extends 'delete-disk' | 'fail-path' | 'offline-disk' | 'rescan-disk'>(
  kind: K,
  weight: number,
  can: (volume: VolumeModel, model: Model) => boolean,
  script: (disk: SeenDisk, volume: VolumeModel) => string,
): Definition<K> {
  return {
    weight: ({ attached }) => (attached.length > 0 ? weight : 0),
    make(random, model) {
      const volume = random.pick(model.attached.filter((one) => can(one, model)))
      return (volume ? { kind, volume: volume.name } : null) as OperationOf<K> | null
    },
    can(operation, model) {
      const volume = model.volume(nameOf(operation))
      return volume.attached !== 'no' && can(volume, model)
    },
    async act(world, operation) {
      const volume = world.model.volume(nameOf(operation))
      for (const disk of await disksOf(world, volume))
        await world.node.run(['sh', '-c', script(disk, volume)], { deadline: DEADLINE_MS })
    },
  }
}

const attribute = ({ hctl }: SeenDisk, name: string) => `/sys/class/scsi_device/${hctl}/device/${name}`

/** A LUN that is not presented would become 0 bytes long under whatever uses it: that would be a user's mistake. */
const isShown = ({ uses }: VolumeModel, model: Model) =>
  uses !== null && model.shownAt(uses) !== null && model.isServed(uses)

export const NODE_FAULTS: Definitions<
  | 'logout'
  | 'delete-disk'
  | 'fail-path'
  | 'offline-disk'
  | 'rescan-disk'
  | 'agent-kill'
  | 'agent-stop'
  | 'agent-start'
  | 'iscsid-kill'
  | 'iscsid-start'
  | 'clock'
  | 'run-full'
  | 'run-free'
> = {
  logout: {
    weight: ({ attached }) => (attached.length > 0 ? 2 : 0),
    make(random, model) {
      const uses = random.pick(model.attached)?.uses
      return uses ? { kind: 'logout', target: uses.target } : null
    },
    can: (_, { iscsid }) => iscsid,
    async act({ node, model }, { target }) {
      await node.run(['iscsiadm', '-m', 'node', '-T', model.target(target).iqn, '-u'], {
        deadline: DEADLINE_MS,
      })
    },
  },
  'delete-disk': onDisks(
    'delete-disk',
    2,
    () => true,
    (disk) => `echo 1 > ${attribute(disk, 'delete')}`,
  ),
  'offline-disk': onDisks(
    'offline-disk',
    1,
    () => true,
    (disk) => `echo offline > ${attribute(disk, 'state')}`,
  ),
  'rescan-disk': onDisks(
    'rescan-disk',
    2,
    // Without its LUN a disk gets the size 0. Below a mount without a hold map, this is permanent.
    (volume, model) => volume.mode === 'map' || isShown(volume, model),
    (disk) => `echo 1 > ${attribute(disk, 'rescan')}`,
  ),
  'fail-path': onDisks(
    'fail-path',
    2,
    ({ mode }) => mode === 'map',
    ({ name: disk }, { record }) =>
      `dmsetup message lunkeeper-${record} 0 "fail_path $(cat /sys/block/${disk}/dev)"`,
  ),
  'agent-kill': {
    weight: ({ agentSince }) => (agentSince === null ? 0 : 3),
    make: () => ({ kind: 'agent-kill' }),
    can: (_, { agentSince }) => agentSince !== null,
    act: (world) => world.endAgent('SIGKILL'),
  },
  'agent-stop': {
    weight: ({ agentSince }) => (agentSince === null ? 0 : 1),
    make: () => ({ kind: 'agent-stop' }),
    can: (_, { agentSince }) => agentSince !== null,
    act: (world) => world.endAgent('SIGTERM'),
  },
  'agent-start': {
    weight: ({ agentSince, runFull }) => (agentSince === null && !runFull ? 16 : 0),
    make: () => ({ kind: 'agent-start' }),
    can: (_, { agentSince, runFull }) => agentSince === null && !runFull,
    act: (world) => world.startAgent(),
  },
  'iscsid-kill': {
    weight: ({ iscsid }) => (iscsid ? 1 : 0),
    make: () => ({ kind: 'iscsid-kill' }),
    can: (_, { iscsid }) => iscsid,
    async act({ node, model }) {
      await node.sh('pkill -9 -x iscsid || :')
      model.iscsid = false
    },
  },
  'iscsid-start': {
    weight: ({ iscsid }) => (iscsid ? 0 : 12),
    make: () => ({ kind: 'iscsid-start' }),
    can: (_, { iscsid }) => !iscsid,
    act: (world) => world.startIscsid(),
  },
  clock: {
    weight: () => 1,
    make: (random) => ({ kind: 'clock', seconds: random.pick([-86_400, -600, -5, 5, 600, 86_400])! }),
    can: () => true,
    async act({ node }, { seconds }) {
      await node.sh(`date -s @$(($(date +%s) + ${seconds})) > /dev/null`)
    },
  },
  'run-full': {
    weight: ({ runFull }) => (runFull ? 0 : 1),
    make: () => ({ kind: 'run-full' }),
    can: (_, { runFull }) => !runFull,
    act: (world) => world.setRunFull(true),
  },
  'run-free': {
    weight: ({ runFull }) => (runFull ? 12 : 0),
    make: () => ({ kind: 'run-free' }),
    can: (_, { runFull }) => runFull,
    act: (world) => world.setRunFull(false),
  },
}
