import { setTimeout as sleep } from 'node:timers/promises'

import type { Moment } from '../history.ts'
import type { Model, Place, TargetModel } from '../model.ts'
import type { World } from '../world.ts'
import type { Definition, Definitions, OperationOf } from './definition.ts'

/** How long an agent that looks five times a second may take to mark the paths as lost. */
const SEEN_MS = 1_200
/** Numbers at which volumes may be presented. */
const LUNS = [0, 1, 2, 5, 9, 300]

const now = () => performance.now()

export async function targetDown(world: World, target: TargetModel): Promise<void> {
  target.up = false
  target.downSince = now()
  target.changedAt = target.downSince
  await world.target(target.name).disable()
}

export async function targetUp(world: World, target: TargetModel): Promise<void> {
  await world.target(target.name).enable()
  target.up = true
  target.changedAt = now()
}

/** Changes what targets present, at the chosen moment. */
export async function change(
  world: World,
  targets: readonly string[],
  moment: Moment,
  work: () => Promise<void>,
): Promise<void> {
  const { model } = world
  const concerned = [...new Set(targets)].map((name) => model.target(name))
  const stopped = moment === 'outage' ? concerned.filter(({ up }) => up) : []
  for (const target of stopped) await targetDown(world, target)
  if (stopped.length > 0) await sleep(SEEN_MS * model.pace.factor)
  await work()
  world.watchStrangers()
  expectTargetAnswers(model)
  for (const target of stopped) await targetUp(world, target)
}

/** Unconfirmed data is lost if it meets the target's own LUN 0, where a file system may read anything. */
function expectTargetAnswers(model: Model): void {
  for (const volume of model.attached.filter((one) => model.isAnsweredByTarget(one))) {
    volume.ledger.excuse()
    volume.owesError = true
    if (volume.kind === 'ext4') volume.tainted = true
  }
}

/** Swaps the places of two volumes. */
async function swap(world: World, { volume, with: other, moment }: OperationOf<'swap'>): Promise<void> {
  const one = world.model.volume(volume)
  const two = world.model.volume(other)
  const [first, second] = [one.at, two.at]
  const places = [first, second].filter((place) => place !== null)
  await change(
    world,
    places.map(({ target }) => target),
    moment,
    async () => {
      await world.hide(one)
      await world.hide(two)
      if (first) await world.show(two, first)
      if (second) await world.show(one, second)
    },
  )
}

const shown = (model: Model) => model.own.filter(({ at }) => at !== null)
const up = (model: Model) => [...model.targets.values()].filter((target) => target.up)
const down = (model: Model) => [...model.targets.values()].filter((target) => !target.up)
const isFree = (model: Model, place: Place) => model.shownAt(place) === null

const momentOf = (random: { chance(probability: number): boolean }): Moment =>
  random.chance(0.5) ? 'live' : 'outage'

const nameOf = (operation: object) => (operation as { readonly target: string }).target

function switching<K extends 'target-down' | 'target-up' | 'target-restart'>(
  kind: K,
  weight: (model: Model) => number,
  from: (model: Model) => TargetModel[],
  act: (world: World, target: TargetModel) => Promise<void>,
): Definition<K> {
  return {
    weight: (model) => (from(model).length > 0 ? weight(model) : 0),
    make(random, model) {
      const target = random.pick(from(model))
      return (target ? { kind, target: target.name } : null) as OperationOf<K> | null
    },
    can: (operation, model) => from(model).includes(model.target(nameOf(operation))),
    act: (world, operation) => act(world, world.model.target(nameOf(operation))),
  }
}

const PORTALS: Definitions<'portal-down' | 'portal-up'> = {
  'portal-down': {
    weight: () => 2,
    make(random, model) {
      const target = random.pick([...model.targets.values()])!
      const portal = random.between(0, target.portals.length - 1)
      return target.portalsDown.has(portal) ? null : { kind: 'portal-down', target: target.name, portal }
    },
    can: ({ target, portal }, model) => !model.target(target).portalsDown.has(portal),
    async act(world, { target: name, portal }) {
      const target = world.model.target(name)
      await world.target(name).removePortal(target.portals[portal]!)
      target.portalsDown.add(portal)
      target.changedAt = now()
    },
  },
  'portal-up': {
    weight: (model) => ([...model.targets.values()].some(({ portalsDown }) => portalsDown.size > 0) ? 6 : 0),
    make(random, model) {
      const target = random.pick(
        [...model.targets.values()].filter(({ portalsDown }) => portalsDown.size > 0),
      )
      return target
        ? { kind: 'portal-up', target: target.name, portal: random.pick([...target.portalsDown])! }
        : null
    },
    can: ({ target, portal }, model) => model.target(target).portalsDown.has(portal),
    async act(world, { target: name, portal }) {
      const target = world.model.target(name)
      await world.target(name).addPortal(target.portals[portal]!)
      target.portalsDown.delete(portal)
      target.changedAt = now()
    },
  },
}

export const TARGET_FAULTS: Definitions<
  | 'target-down'
  | 'target-up'
  | 'target-restart'
  | 'portal-down'
  | 'portal-up'
  | 'unmap'
  | 'map'
  | 'swap'
  | 'move'
  | 'store-full'
  | 'store-free'
> = {
  ...PORTALS,
  'target-down': switching('target-down', () => 4, up, targetDown),
  'target-up': switching('target-up', () => 12, down, targetUp),
  'target-restart': switching(
    'target-restart',
    () => 2,
    up,
    async (world, target) => {
      await targetDown(world, target)
      await world.restart(target)
      await targetUp(world, target)
    },
  ),
  unmap: {
    weight: () => 2,
    make(random, model) {
      const volume = random.pick(shown(model))
      return volume ? { kind: 'unmap', volume: volume.name, moment: momentOf(random) } : null
    },
    can: ({ volume }, model) => model.volume(volume).at !== null,
    async act(world, { volume: name, moment }) {
      const volume = world.model.volume(name)
      await change(world, [volume.at!.target], moment, () => world.hide(volume))
    },
  },
  map: {
    weight: (model) => 8 * model.own.filter(({ at }) => at === null).length,
    make(random, model) {
      const volume = random.pick(model.own.filter(({ at }) => at === null))
      if (!volume) return null
      const place = random.chance(0.8)
        ? volume.home!
        : { target: volume.home!.target, lun: random.pick(LUNS)! }
      return { kind: 'map', volume: volume.name, ...place, moment: momentOf(random) }
    },
    can: ({ volume, target, lun }, model) =>
      model.volume(volume).at === null && isFree(model, { target, lun }),
    async act(world, { volume, target, lun, moment }) {
      await change(world, [target], moment, () => world.show(world.model.volume(volume), { target, lun }))
    },
  },
  swap: {
    weight: () => 4,
    make(random, model) {
      const volume = random.pick(shown(model))
      const others = [...model.volumes.values()].filter(
        (other) => other !== volume && (other.at || !other.home),
      )
      const other = random.pick(others)
      return volume && other
        ? { kind: 'swap', volume: volume.name, with: other.name, moment: momentOf(random) }
        : null
    },
    can: ({ volume, with: other }, model) =>
      model.volume(volume).at !== null || model.volume(other).at !== null,
    act: swap,
  },
  move: {
    weight: () => 2,
    make(random, model) {
      const volume = random.pick(shown(model))
      return volume
        ? { kind: 'move', volume: volume.name, lun: random.pick(LUNS)!, moment: momentOf(random) }
        : null
    },
    can({ volume: name, lun }, model) {
      const { at } = model.volume(name)
      return at !== null && isFree(model, { target: at.target, lun })
    },
    async act(world, { volume: name, lun, moment }) {
      const volume = world.model.volume(name)
      const { target } = volume.at!
      await change(world, [target], moment, async () => {
        await world.hide(volume)
        await world.show(volume, { target, lun })
      })
    },
  },
  'store-full': {
    weight: ({ storeFull }) => (storeFull ? 0 : 1),
    make: () => ({ kind: 'store-full' }),
    can: (_, { storeFull }) => !storeFull,
    act: (world) => world.setStoreFull(true),
  },
  'store-free': {
    weight: ({ storeFull }) => (storeFull ? 12 : 0),
    make: () => ({ kind: 'store-free' }),
    can: (_, { storeFull }) => storeFull,
    act: (world) => world.setStoreFull(false),
  },
}
