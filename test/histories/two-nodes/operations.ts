import { NODES } from './history.ts'
import type { Random } from '../random.ts'
import type { NodeName, TwoNodesKind, TwoNodesOperation } from './history.ts'
import type { Model, NodeModel } from './model.ts'

/** How many blocks are written to. */
const BLOCKS = 64
/** A pending write occupies a thread. */
const MAX_PENDING = 16
const WAITS_MS = [200, 500, 1_000, 3_000, 7_000]

type Of<K extends TwoNodesKind> = Extract<TwoNodesOperation, { readonly kind: K }>

interface Choice<K extends TwoNodesKind> {
  /** How often it is chosen, depending on the model's situation. */
  weight(model: Model): number
  /** Null if there is nothing to apply it to. */
  make(random: Random, model: Model): Of<K> | null
  /** Whether it makes sense in this situation. */
  can(operation: Of<K>, model: Model): boolean
}

const runs = ({ away }: NodeModel) => away !== 'paused'
/** Its held data must not reach the volume once another node has it. */
const isOwnerAway = (model: Model) => model.owner !== null && model.node(model.owner).away !== null
const weightOf = (weight: number | ((model: Model) => number)) =>
  typeof weight === 'number' ? () => weight : weight
const death = (random: Random) => (random.chance(0.1) ? { diesAfterMs: random.between(50, 2_500) } : {})
const nodeWith = (random: Random, model: Model, fits: (node: NodeModel) => boolean): NodeName | undefined =>
  random.pick(model.nodes.filter(fits))?.name

/** A former owner usually comes back only after the volume has moved. */
const isTaken = (after: number, before: number) => (model: Model) => (isOwnerAway(model) ? before : after)

function onNode<K extends 'cut' | 'join' | 'pause' | 'resume' | 'agent-kill' | 'agent-start' | 'logout'>(
  kind: K,
  weight: number | ((model: Model) => number),
  fits: (node: NodeModel, model: Model) => boolean,
): Choice<K> {
  return {
    weight: weightOf(weight),
    make(random, model) {
      const node = nodeWith(random, model, (one) => fits(one, model))
      return node ? ({ kind, node } as Of<K>) : null
    },
    can: (operation, model) => fits(model.node((operation as { readonly node: NodeName }).node), model),
  }
}

function onTarget<
  K extends
    | 'target-down'
    | 'target-up'
    | 'target-restart'
    | 'target-move'
    | 'remap'
    | 'portal-down'
    | 'portal-up',
>(kind: K, weight: number, can: (model: Model) => boolean): Choice<K> {
  return { weight: () => weight, make: () => ({ kind }) as Of<K>, can: (_, model) => can(model) }
}

const CHOICES: { readonly [K in TwoNodesKind]: Choice<K> } = {
  attach: {
    weight: (model) => (model.owner === null ? 60 : isOwnerAway(model) ? 40 : 10),
    make(random, model) {
      const node = nodeWith(random, model, (one) => model.canReach(one) && model.isNoticed(one.name))
      if (!node) return null
      const hasOther = model.owner !== null && model.owner !== node
      const takeOver = random.chance(hasOther ? 0.75 : 0.1) && !model.hasOldData(node)
      return { kind: 'attach', node, takeOver, ...death(random) }
    },
    can: ({ node, takeOver }, model) =>
      model.canReach(model.node(node)) && model.isNoticed(node) && !(takeOver && model.hasOldData(node)),
  },
  race: {
    weight: () => 2,
    make: (random) => ({ kind: 'race', takeOver: random.chance(0.5) }),
    can: ({ takeOver }, model) =>
      model.nodes.every(
        (one) =>
          model.canReach(one) && model.isNoticed(one.name) && !(takeOver && model.hasOldData(one.name)),
      ),
  },
  detach: {
    weight: () => 5,
    make(random, model) {
      const node = nodeWith(random, model, (one) => runs(one) && one.attached !== 'no')
      if (!node) return null
      const isAway = !model.canReach(model.node(node))
      // Without force it waits for its target for as long as the hold lasts.
      const dies = isAway ? { diesAfterMs: random.between(200, 4_000) } : death(random)
      return { kind: 'detach', node, force: random.chance(model.owner === node ? 0.1 : 0.6), ...dies }
    },
    can: ({ node, diesAfterMs }, model) =>
      runs(model.node(node)) &&
      model.node(node).attached !== 'no' &&
      (diesAfterMs !== undefined || model.canReach(model.node(node))) &&
      (model.owner !== node || (model.isForgettable(node) && !model.hasStopped)),
  },
  write: {
    weight: ({ nodes }) => (nodes.some(({ attached }) => attached === 'yes') ? 24 : 4),
    make(random, model) {
      const fits = (one: NodeModel) => runs(one) && one.attached !== 'no' && one.pending < MAX_PENDING
      const isUsable = (one: NodeModel) => fits(one) && one.attached === 'yes'
      const node = nodeWith(random, model, isUsable) ?? nodeWith(random, model, fits)
      if (!node) return null
      const blocks = Array.from({ length: random.between(1, 4) }, () => random.between(0, BLOCKS - 1))
      return { kind: 'write', node, blocks: [...new Set(blocks)], how: random.chance(0.6) ? 'sync' : 'dirty' }
    },
    can: ({ node }, model) => runs(model.node(node)) && model.node(node).attached !== 'no',
  },
  read: {
    weight: () => 3,
    make(random, model) {
      const { owner } = model
      if (owner === null || !model.canReach(model.node(owner))) return null
      return {
        kind: 'read',
        node: owner,
        blocks: [random.between(0, BLOCKS - 1), random.between(0, BLOCKS - 1)],
      }
    },
    can: ({ node }, model) => model.owner === node && model.canReach(model.node(node)),
  },
  wait: {
    weight: () => 3,
    make: (random) => ({ kind: 'wait', ms: random.pick(WAITS_MS)! }),
    can: () => true,
  },
  cut: onNode('cut', 5, ({ away, attached }) => away === null && attached === 'yes'),
  join: onNode('join', isTaken(12, 4), ({ away }) => away === 'cut'),
  pause: onNode('pause', 4, ({ away, attached }) => away === null && attached === 'yes'),
  resume: onNode('resume', isTaken(12, 4), ({ away }) => away === 'paused'),
  'agent-kill': onNode('agent-kill', 3, (node) => runs(node) && node.hasAgent),
  'agent-start': onNode('agent-start', 8, (node) => runs(node) && !node.hasAgent),
  logout: onNode('logout', 2, (node, model) => model.canReach(node) && node.attached !== 'no'),
  reboot: {
    weight: () => 1.5,
    make(random, model) {
      const able = model.nodes.filter(({ away }) => away !== 'paused').map(({ name }) => name)
      if (able.length === NODES.length && random.chance(0.4)) return { kind: 'reboot', nodes: able }
      const one = random.pick(able)
      return one ? { kind: 'reboot', nodes: [one] } : null
    },
    can: ({ nodes }, model) => nodes.every((name) => runs(model.node(name))),
  },
  'target-down': onTarget('target-down', 2, ({ targetUp }) => targetUp),
  'target-up': onTarget('target-up', 12, ({ targetUp }) => !targetUp),
  'target-restart': onTarget('target-restart', 2, (model) => model.isForgettable()),
  'target-move': onTarget('target-move', 1, (model) => model.isForgettable()),
  remap: onTarget('remap', 1.5, (model) => model.targetUp && model.isForgettable() && model.isQuiet),
  'portal-down': onTarget(
    'portal-down',
    2,
    ({ portalUp, targetUp, settings }) => settings.portals === 2 && portalUp && targetUp,
  ),
  'portal-up': onTarget('portal-up', 6, ({ portalUp, targetUp }) => !portalUp && targetUp),
}

/** Faults that affect no volume show nothing: until a volume is attached, they are rare. */
const USUAL: ReadonlySet<TwoNodesKind> = new Set<TwoNodesKind>([
  'attach',
  'race',
  'agent-start',
  'target-up',
  'portal-up',
  'join',
  'resume',
])
const UNATTACHED = 0.05
/** Attempts before it just waits: not every operation that may be chosen is possible. */
const TRIES = 20

/** The next operation of a history, depending on the situation. */
export function choose(random: Random, model: Model): TwoNodesOperation {
  const isEarly = model.nodes.every(({ attached }) => attached === 'no')
  const all = Object.entries(CHOICES).map(([kind, choice]) => ({
    choice: choice as unknown as Choice<TwoNodesKind>,
    weight: choice.weight(model) * (isEarly && !USUAL.has(kind as TwoNodesKind) ? UNATTACHED : 1),
  }))
  for (let tries = 0; tries < TRIES; tries++) {
    const chosen = random.weighted(all)?.choice
    const operation = chosen?.make(random, model)
    if (chosen && operation && chosen.can(operation, model)) return operation
  }
  return { kind: 'wait', ms: WAITS_MS[0]! }
}

export function makesSense(operation: TwoNodesOperation, model: Model): boolean {
  return (CHOICES[operation.kind] as unknown as Choice<TwoNodesKind>).can(operation, model)
}
