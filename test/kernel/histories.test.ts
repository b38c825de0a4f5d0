import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { History } from '../histories/history.ts'
import { Player } from '../histories/player.ts'
import { kernels } from './node.ts'

/** Histories that once showed a violation, shrunk. */
const REGRESSIONS = join(import.meta.dirname, '../histories/regressions')
/** A short history each day; `npm run test:histories` plays thousands of operations. */
const OPERATIONS = 30

describe.each(kernels('trixie'))('histories of operations and faults on %s', (debian) => {
  let player: Player

  beforeAll(() => {
    player = new Player(debian)
  })
  afterAll(() => player[Symbol.asyncDispose]())

  it.each(readdirSync(REGRESSIONS).filter((file) => file.endsWith('.json')))(
    'does not happen again: %s',
    async (file) => {
      const history = JSON.parse(readFileSync(join(REGRESSIONS, file), 'utf8')) as History
      const { violation, log } = await player.play(history)
      expect(violation, log.join('\n')).toBeNull()
    },
  )

  it('a random one violates nothing', async () => {
    const { violation, log } = await player.play({ seed: 11, operations: OPERATIONS })
    expect(violation, log.join('\n')).toBeNull()
  })
})
