import { afterEach, expect, it, vi } from 'vitest'

import { Gates } from '../../../src/agent/gate.ts'
import { AgentLog } from '../../../src/agent/log.ts'
import { Way } from '../../../src/agent/way.ts'
import type { Return } from '../../../src/hold/return.ts'
import { Recent } from '../../../src/model/recent.ts'
import { IQN, serve } from '../host/iscsi/fake-target.ts'
import { rootWith } from '../host/iscsi/root.ts'

afterEach(() => void vi.restoreAllMocks())

it('what the agent remembers is bounded; what is used stays', () => {
  const recent = new Recent<number, string>(3)
  for (let key = 0; key < 1000; key++) {
    recent.set(key, `value ${key}`)
    expect(recent.get(0)).toBe('value 0')
  }
  expect(recent.size).toBe(3)
  expect([997, 998, 999].map((key) => recent.get(key))).toEqual([undefined, 'value 998', 'value 999'])
})

it('the log says once what lasts, of however many volumes came and went', () => {
  const lines: string[] = []
  const log = new AgentLog((line) => lines.push(line))
  for (let n = 0; n < 10_000; n++) {
    log.once('stays', 'portal', 'it is away')
    log.once(`volume-${n}`, 'portal', 'it is away')
  }
  expect(lines.filter((line) => line.startsWith('stays:'))).toHaveLength(1)
  expect(lines).toHaveLength(10_001)
})

it('a portal that nobody waited at for a while is asked again when somebody does', async () => {
  const { portal } = await serve({})
  const host = rootWith()
  const { signal } = new AbortController()
  const gates = new Gates(host, signal)
  const way = new Way(host, portal, () => gates.of(IQN, portal))
  // Only a target that does not take logins yet is asked about.
  const work = {} as unknown as Return
  let ahead = 0
  const now = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  expect(await way.tried(work, null, null)).toMatchObject({ kind: 'waits' })
  // A login that it was at has taken this long.
  ahead += 20_000
  gates.ask(() => {})
  expect(await way.tried(work, null, null)).toMatchObject({ kind: 'waits' })
  await new Promise<void>((opened) => gates.ask(opened))
  expect(gates.of(IQN, portal).openSince).not.toBe(null)
})
