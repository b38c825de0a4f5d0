import type { VolumeStatus } from '../../../src/model/attachment.ts'
import { inspectFileSystem } from '../invariants/file-system.ts'
import { refuseOtherNode } from '../invariants/words.ts'
import type { Death } from '../history.ts'
import type { Model, Place, VolumeModel } from '../model.ts'
import { DETACHED } from '../model.ts'
import type { Random } from '../random.ts'
import type { Answer } from '../servant.ts'
import { Violation } from '../violation.ts'
import type { World } from '../world.ts'
import { publish, unpublish } from './csi.ts'
import type { Definitions, OperationOf } from './definition.ts'
import { DETACH_STEPS, EXPAND_STEPS } from '../../../src/volumes/step.ts'
import { DEADLY_ATTACH_STEPS } from './steps.ts'

const HOLDS = ['6s', '30s', '600s', '600s', 'forever'] as const
const MIB = 1 << 20
/** The largest size to which a history grows a volume. */
const LARGEST_BYTES = 16 * MIB

function deathOf(
  random: Random,
  steps: readonly Extract<Death, { step: unknown }>['step'][],
): { death?: Death } {
  if (!random.chance(0.3)) return {}
  if (random.chance(0.4)) return { death: { afterMs: random.between(100, 2_500) } }
  return { death: { step: random.pick(steps)!, moment: random.chance(0.5) ? 'before' : 'after' } }
}

/** How one command of a user ended. */
type Ended = { readonly error: string | null; readonly status: VolumeStatus | null }

async function command(world: World, args: readonly string[], death: Death | undefined): Promise<Ended> {
  const env = death && 'step' in death ? { LUNKEEPER_DIE_AT: `${death.step}:${death.moment}` } : {}
  const error = await world.command(args, env, death && 'afterMs' in death ? death.afterMs : undefined)
  return { error, status: null }
}

function endOf(world: World, name: string, answer: Answer<VolumeStatus | null>): Ended {
  if (!('error' in answer)) return { error: null, status: answer.value }
  const { code, message } = answer.error
  world.said.push({ at: performance.now(), line: `${name}: error[${code}]: ${message}` })
  return { error: code, status: null }
}

/** Errors that no history can cause. @throws Violation refused fenced */
function refuseFault(world: World, volume: VolumeModel, error: string | null): void {
  const { name } = volume
  if (error === 'INTERNAL') throw new Violation('refused', name, world.saidOf(name, 0).at(-1) ?? 'INTERNAL')
  if (error === 'OWNED_ELSEWHERE' || error === 'FENCED') refuseOtherNode(volume, world)
}

/** What a user requests: the volume where it is presented now, as the storage administrator says. */
export function requestOf(world: World, volume: VolumeModel): Place {
  return volume.attached === 'no' ? (volume.at ?? volume.home!) : (volume.uses ?? volume.at ?? volume.home!)
}

async function attach(
  world: World,
  { volume: name, hold, serial, cli, death }: OperationOf<'attach'>,
): Promise<void> {
  const { model } = world
  const volume = model.volume(name)
  const place = requestOf(world, volume)
  // Without a serial number, whatever is there is taken for the volume that was meant.
  const expected = serial || model.shownAt(place) !== volume ? volume.serial : null
  const { iqn, portals } = model.target(place.target)
  const mount = volume.kind === 'ext4' ? `/mnt/${name}` : null
  volume.attached = 'unsure'
  volume.uses ??= place
  const ended = await (volume.csi
    ? publish(world, volume, place, hold, expected).then((answer) => endOf(world, name, answer))
    : cli || death
      ? command(
          world,
          [
            'attach',
            ...portals.map((portal) => `--portal=${portal}`),
            `--iqn=${iqn}`,
            `--lun=${place.lun}`,
            `--name=${name}`,
            `--hold=${hold}`,
            ...(expected ? [`--serial=${expected}`] : []),
            ...(mount ? [`--mount=${mount}`, '--fs=ext4', '--format'] : []),
          ],
          death,
        )
      : world
          .engine<VolumeStatus>('attach', {
            name,
            iqn,
            portals,
            lun: place.lun,
            serial: expected,
            hold,
            mount,
          })
          .then((answer) => endOf(world, name, answer)))
  refuseFault(world, volume, ended.error)
  if (ended.error === null) volume.isDetaching = false
  const told = ended.status?.identity?.serial
  if (told !== undefined && told !== volume.serial)
    throw new Violation(
      'wrong-volume',
      name,
      `attach gave the volume with serial ${told}, not ${volume.serial}`,
    )
}

async function detach(
  world: World,
  { volume: name, force, cli, death }: OperationOf<'detach'>,
): Promise<void> {
  const { model } = world
  const volume = model.volume(name)
  const started = performance.now()
  // No clean end is expected of a volume whose data was reported as lost.
  const wasGivenUp = volume.owesError
  const { error } = await (volume.csi
    ? unpublish(world, volume).then((answer) => endOf(world, name, answer))
    : cli || death
      ? command(world, ['detach', name, ...(force ? ['--force'] : [])], death)
      : world.engine<VolumeStatus>('detach', { name, force }).then((answer) => endOf(world, name, answer)))
  refuseFault(world, volume, error)
  const isForced = force && !volume.csi
  if (isForced) volume.ledger.excuse()
  // An unmount after lost metadata may leave a journal that e2fsck -p does not replay (docs/kernel-notes.md).
  if (
    isForced &&
    volume.kind === 'ext4' &&
    world.saidOf(name, started).some((line) => line.includes('may be lost'))
  )
    volume.tainted = true
  // It may have been killed in its last step.
  if (error === 'KILLED') Object.assign(volume, { attached: 'unsure', isDetaching: true })
  if (error !== null) return
  const astray = model.windows.concerns(name, started, performance.now())
  if (!isForced && !astray) volume.ledger.confirmWritten()
  volume.mayWriteUntil = performance.now()
  Object.assign(volume, DETACHED)
  world.closeWindows()
  await inspectFileSystem(world, volume, !isForced && !astray && !wasGivenUp)
}

async function expand(world: World, { volume: name, bytes, death }: OperationOf<'expand'>): Promise<void> {
  const { model } = world
  const volume = model.volume(name)
  const { record } = volume
  if (volume.bytes < bytes) await world.grow(volume, bytes)
  if (volume.attached === 'no') return
  const { error } = death
    ? await command(world, ['expand', record], death)
    : endOf(world, name, await world.engine<VolumeStatus>('expand', { name: record }))
  refuseFault(world, volume, error)
}

const recordOf = ({ model }: World, name: string) => model.volume(name).record

const named = (model: Model, operation: { readonly volume: string }) => model.volume(operation.volume)

export const VOLUME_OPERATIONS: Definitions<'attach' | 'detach' | 'expand' | 'hold' | 'give-up'> = {
  attach: {
    weight: (model) => (model.own.some(({ attached }) => attached !== 'yes') ? 14 : 2),
    make(random, model) {
      const missing = model.own.filter(({ attached }) => attached !== 'yes')
      const volume = random.pick(missing.length > 0 ? missing : model.own)!
      // On a hold map mkfs would wait for its limit of ten minutes.
      if (model.storeFull) return null
      // A login to a target that is away takes most of a minute, and shows little.
      if (!model.isServed(volume.uses ?? volume.at ?? volume.home!) && random.chance(0.9)) return null
      return {
        kind: 'attach',
        volume: volume.name,
        hold: random.pick(HOLDS)!,
        serial: random.chance(0.7),
        cli: random.chance(0.2),
        ...deathOf(random, DEADLY_ATTACH_STEPS),
      }
    },
    can: () => true,
    act: attach,
  },
  detach: {
    weight: ({ attached }) => 2 * attached.length,
    make(random, model) {
      const volume = random.pick(model.attached)
      return (
        (volume && {
          kind: 'detach' as const,
          volume: volume.name,
          force: random.chance(0.2),
          cli: random.chance(0.2),
          ...deathOf(random, DETACH_STEPS),
        }) ??
        null
      )
    },
    can: (operation, model) => named(model, operation).attached !== 'no',
    act: detach,
  },
  expand: {
    weight: ({ storeFull }) => (storeFull ? 0 : 2),
    make(random, model) {
      const volume = random.pick(model.own.filter(({ at, bytes }) => at && bytes + 4 * MIB <= LARGEST_BYTES))
      return (
        (volume && {
          kind: 'expand' as const,
          volume: volume.name,
          bytes: volume.bytes + 4 * MIB,
          ...deathOf(random, EXPAND_STEPS),
        }) ??
        null
      )
    },
    can: (operation, model) => named(model, operation).at !== null && !model.storeFull,
    act: expand,
  },
  hold: {
    weight: ({ attached }) => (attached.length > 0 ? 2 : 0),
    make(random, { attached }) {
      const volume = random.pick(attached)
      return (volume && { kind: 'hold' as const, volume: volume.name, hold: random.pick(HOLDS)! }) ?? null
    },
    can: (operation, model) => named(model, operation).attached === 'yes',
    async act(world, { volume: name, hold }) {
      endOf(world, name, await world.engine('hold', { name: recordOf(world, name), hold }))
    },
  },
  'give-up': {
    weight: ({ attached }) => (attached.length > 0 ? 1 : 0),
    make(random, { attached }) {
      const volume = random.pick(attached)
      return (volume && { kind: 'give-up' as const, volume: volume.name }) ?? null
    },
    can: (operation, model) => named(model, operation).attached === 'yes',
    async act(world, { volume: name }) {
      const { error } = endOf(world, name, await world.engine('give-up', { name: recordOf(world, name) }))
      if (error === null) named(world.model, { volume: name }).ledger.excuse()
    },
  },
}
