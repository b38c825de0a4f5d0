import { expect, it } from 'vitest'

import { HoldMapStates } from '../../../src/agent/hold-map-states.ts'
import { monotonicMs } from '../../../src/host/clock.ts'
import type { Host } from '../../../src/host/host.ts'
import type { DmMap } from '../../../src/model/snapshot.ts'

const NAME = 'lunkeeper-db'
const map = { name: NAME } as DmMap

/** A device-mapper that answers when the test tells it to. */
function slowHost() {
  const pending: (() => void)[] = []
  const table = '0 8 multipath 1 queue_if_no_path 0 1 1'
  let path = 'A'
  const host = {
    run: async (_: string, [verb]: readonly string[]) => {
      const line = verb === 'table' ? table : verb === 'status' ? `0 8 multipath 8:0 ${path} 0` : ''
      const stdout = line === '' ? '' : `${NAME}: ${line}\n`
      if (verb !== 'message') await new Promise<void>((resolve) => pending.push(resolve))
      return { code: 0, signal: null, stdout, stderr: '' }
    },
  } as unknown as Host
  return {
    host,
    pending,
    answer: () => pending.splice(0).forEach((resolve) => resolve()),
    fails: () => (path = 'F'),
  }
}

it('one reading of the maps serves all that ask', async () => {
  const { host, pending, answer } = slowHost()
  const maps = new HoldMapStates(host)
  const asked = [maps.states(), maps.states(), maps.states(true)]
  expect(pending).toHaveLength(2)
  answer()
  const [states] = await Promise.all(asked)
  expect(states!.get(NAME)).toEqual({ queueing: true, paths: [{ devno: '8:0', active: true }] })
  await maps.states()
  expect(pending).toHaveLength(0)
})

it('a change by the kernel during a reading is read afterwards, however many there are', async () => {
  const { host, pending, answer, fails } = slowHost()
  const maps = new HoldMapStates(host)
  const first = maps.states()
  fails()
  maps.invalidate()
  const others = [maps.states(), maps.states()]
  maps.invalidate()
  others.push(maps.states())
  expect(pending).toHaveLength(2)
  answer()
  await first
  await expect.poll(() => pending.length).toBe(2)
  answer()
  for (const states of await Promise.all(others)) expect(states.get(NAME)!.paths[0]!.active).toBe(false)
})

it.each([
  ['reinstated', 'since the step began', false],
  ['loaded', 'since the step began', false],
  ['reinstated', 'before', true],
  ['loaded', 'before', true],
] as const)('a path that is %s counts, unless the kernel failed one: here %s', async (how, when, counts) => {
  const { host, pending, answer, fails } = slowHost()
  const maps = new HoldMapStates(host)
  fails()
  const first = maps.states()
  answer()
  await first
  maps.pathFailed(NAME)
  const again = maps.states()
  answer()
  await again
  maps[how](map, '8:0', monotonicMs() + (when === 'before' ? 1_000 : -1_000))
  if (counts) {
    expect((await maps.states()).get(NAME)!.paths).toEqual([{ devno: '8:0', active: true }])
    return
  }
  const after = maps.states()
  expect(pending).toHaveLength(2)
  answer()
  expect((await after).get(NAME)!.paths).toEqual([{ devno: '8:0', active: false }])
})

it('what the agent itself changed during a reading is not undone by its answer', async () => {
  const { host, answer } = slowHost()
  const maps = new HoldMapStates(host)
  const first = maps.states()
  answer()
  await first
  const second = maps.states(true)
  await maps.fail(map, '8:0')
  answer()
  expect((await second).get(NAME)!.paths[0]!.active).toBe(false)
})
