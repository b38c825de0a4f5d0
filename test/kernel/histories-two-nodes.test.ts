import { describe, expect, it } from 'vitest'

import { play } from '../histories/two-nodes/play.ts'
import { kernels } from './node.ts'

/** One seed for each content; `npm run test:histories -- --nodes 2` plays thousands of operations. */
const SEEDS = [2, 3]
const OPERATIONS = 15

describe.each(kernels('trixie'))('histories of two nodes that want one volume, on %s', (debian) => {
  it.each(SEEDS)('a random one violates nothing: seed %i', async (seed) => {
    const played = await play({ debian, cpu: undefined, mutations: [] }, { seed, operations: OPERATIONS })
    expect(played.violation, played.log.join('\n')).toBeNull()
  })
})
