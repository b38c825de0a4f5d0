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

/** Tries before it just waits: not everything that may be chosen can be done. */
const TRIES = 20

/** The next operation of a history, as the situation suggests it. */
export function choose(random: Random, model: Model): Operation {
  const all = Object.values(DEFINITIONS) as unknown as Definition[]
  for (let tries = 0; tries < TRIES; tries++) {
    const choice = random.weighted(
      all.map((definition) => ({ definition, weight: definition.weight(model) })),
    )
    const operation = choice?.definition.make(random, model)
    if (operation && choice?.definition.can(operation, model)) return operation
  }
  return { kind: 'wait', ms: 200 }
}
