import type { ParseArgsOptionsConfig } from 'node:util'

import type { MutationName } from './mutations.ts'
import { MUTATIONS } from './mutations.ts'

/**
 * The flags of both programs that play histories. @param ops default number of operations @param length default
 * length of a history
 */
export function flags(ops: string, length: string) {
  return {
    ops: { type: 'string', default: ops },
    seed: { type: 'string', default: '1' },
    length: { type: 'string', default: length },
    debian: { type: 'string', default: 'bookworm' },
    machines: { type: 'string', default: '1' },
    plant: { type: 'string', multiple: true, default: [] },
    keep: { type: 'string' },
    replay: { type: 'string' },
    continue: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  } satisfies ParseArgsOptionsConfig
}

/** @throws Error there is no such mutation */
export function mutationsNamed(names: readonly string[]): MutationName[] {
  for (const name of names)
    if (!Object.hasOwn(MUTATIONS, name))
      throw new Error(`there is no mutation ${name}: ${Object.keys(MUTATIONS).join(' ')}`)
  return names as MutationName[]
}
