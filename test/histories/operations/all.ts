import type { Kind, Operation } from '../history.ts'
import type { Model } from '../model.ts'
import type { Random } from '../random.ts'
import { DATA_OPERATIONS } from './data.ts'
import type { Definition, Definitions } from './definition.ts'
import { NODE_FAULTS } from './node-faults.ts'
import { TARGET_FAULTS } from './target-faults.ts'
import { VOLUME_OPERATIONS } from './volume.ts'

const DEFINITIONS: Definitions<Kind> = {
  ...VOLUME_OPERATIONS,
  ...DATA_OPERATIONS,
  ...TARGET_FAULTS,
  ...NODE_FAULTS,
}

export function definitionOf(operation: Operation): Definition {
  return DEFINITIONS[operation.kind] as unknown as Definition
}

/** A fault that affects no volume shows nothing: until a volume is attached, user operations are preferred. */
const FAULTS: ReadonlySet<string> = new Set([
  ...Object.keys(TARGET_FAULTS),
  ...Object.keys(NODE_FAULTS),
  'wait',
])
const UNATTACHED = 0.05
const REPAIRS: ReadonlySet<string> = new Set<Kind>([
  'agent-start',
  'iscsid-start',
  'map',
  'portal-up',
  'run-free',
  'store-free',
  'target-up',
])

function weightOf(kind: string, definition: Definition, model: Model): number {
  const isEarly = FAULTS.has(kind) && !REPAIRS.has(kind) && model.attached.length === 0
  return definition.weight(model) * (isEarly ? UNATTACHED : 1)
}

/** Attempts before it just waits: not every operation that may be chosen is possible. */
const TRIES = 20

/** The next operation of a history, depending on the situation. */
export function choose(random: Random, model: Model): Operation {
  const all = Object.entries(DEFINITIONS) as unknown as [Kind, Definition][]
  for (let tries = 0; tries < TRIES; tries++) {
    const choice = random.weighted(
      all.map(([kind, definition]) => ({ definition, weight: weightOf(kind, definition, model) })),
    )
    const operation = choice?.definition.make(random, model)
    if (operation && choice?.definition.can(operation, model)) return operation
  }
  return { kind: 'wait', ms: 200 }
}
