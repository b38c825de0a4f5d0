import { expect, it, onTestFinished } from 'vitest'

import { AgentLog } from '../../../src/agent/log.ts'
import { PortalProbes } from '../../../src/agent/portal-probes.ts'
import { Scheduler } from '../../../src/agent/scheduler.ts'
import { monotonicMs } from '../../../src/host/clock.ts'
import { Recent } from '../../../src/model/recent.ts'
import { IQN, serve } from '../host/iscsi/fake-target.ts'
import { rootWith } from '../host/iscsi/root.ts'

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

it('a portal is asked for as long as something waits for it, and trusted only since the last did', async () => {
  const { portal } = await serve({})
  const host = rootWith()
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const schedule = new Scheduler()
  let opened = Promise.withResolvers<void>()
  const probes = new PortalProbes(host, schedule, stop.signal, () => opened.resolve())
  const target = { iqn: IQN, portal }
  const begin = () => probes.begin(schedule.takeDue(monotonicMs()))

  begin()
  expect(probes.resultOf(target)).toBeNull()
  probes.follow([{ ...target, sinceMs: monotonicMs() }])
  expect(probes.resultOf(target)).toMatchObject({ openSinceMs: null })
  begin()
  await opened.promise
  const first = probes.resultOf(target)!
  expect(first.openSinceMs).not.toBeNull()

  // A volume begins to wait now: earlier answers prove nothing, so the portal is asked at once, and the result
  // reported.
  opened = Promise.withResolvers<void>()
  const sinceMs = first.confirmedMs + 1
  while (monotonicMs() <= sinceMs);
  probes.follow([{ ...target, sinceMs }])
  begin()
  await opened.promise
  expect(probes.resultOf(target)!.confirmedMs).toBeGreaterThan(sinceMs)

  probes.follow([])
  expect(probes.resultOf(target)).toBeNull()
})

it('the log names the volume of a line once', () => {
  const lines: string[] = []
  const log = new AgentLog((line) => lines.push(line))
  log.say('db', 'all paths lost')
  log.say('db', 'db: sda is another volume')
  log.say('db', 'db2: is another volume')
  log.say(null, 'ready')
  expect(lines).toEqual([
    'db: all paths lost',
    'db: sda is another volume',
    'db: db2: is another volume',
    'ready',
  ])
})
