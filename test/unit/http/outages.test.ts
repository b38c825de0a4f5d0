import { expect, it, onTestFinished } from 'vitest'

import { monotonicMs } from '../../../src/host/clock.ts'
import { rememberOutages } from '../../../src/http/outages.ts'
import { parseName } from '../../../src/model/name.ts'
import { recordSeen, readHistory } from '../../../src/state/records/history.ts'
import { removeHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import { fakeNode } from '../kubernetes/node.ts'

const DB = parseName('db')
const since = (seconds: number) => ({
  since: new Date(Date.now() - seconds * 1000).toISOString(),
  sinceMs: monotonicMs() - seconds * 1000,
})

it('an outage is kept from its beginning to its end, with the fate of its I/O', async () => {
  const { host } = fakeNode()
  const mail = since(500)
  writeHoldNote(host, parseName('mail'), { ...mail, ended: null, trouble: null })
  const log = rememberOutages(host)
  onTestFinished(() => log[Symbol.dispose]())
  let told = 0
  log.follow(() => told++)
  // An outage that is already in progress when the agent starts.
  expect(log.list()).toEqual([
    { volume: 'mail', since: mail.since, failed: null, reason: null, until: null, seconds: null },
  ])

  const began = since(20)
  writeHoldNote(host, DB, { ...began, ended: null, trouble: null })
  await expect.poll(() => log.list()).toHaveLength(2)
  writeHoldNote(host, DB, { ...began, ended: 'deadline', trouble: null })
  await expect
    .poll(() => log.list()[1])
    .toMatchObject({ volume: 'db', reason: 'deadline', failed: expect.any(String), until: null })
  removeHoldNote(host, DB)
  await expect.poll(() => log.list()[0]?.volume).toBe('db')
  const [over] = log.list()
  expect(over).toMatchObject({ reason: 'deadline', since: began.since, until: expect.any(String) })
  expect(over!.seconds).toBeGreaterThanOrEqual(20)
  expect(told).toBe(3)
})

it('an outage right after another is a separate one; setting the clock does not make another', async () => {
  const { host } = fakeNode()
  const log = rememberOutages(host)
  onTestFinished(() => log[Symbol.dispose]())
  const first = since(30)
  writeHoldNote(host, DB, { ...first, ended: null, trouble: null })
  await expect.poll(() => log.list()).toHaveLength(1)
  writeHoldNote(host, DB, {
    ...first,
    since: new Date(Date.parse(first.since) - 500).toISOString(),
    ended: null,
    trouble: 'x',
  })
  writeHoldNote(host, DB, { ...since(1), ended: null, trouble: null })
  await expect.poll(() => log.list().map(({ until }) => until === null)).toEqual([false, true])
})

it('outages that earlier agents recorded are listed from the start', async () => {
  const { host } = fakeNode()
  const began = '2026-11-27T02:00:00.000Z'
  recordSeen(host, 'db', { event: 'hold-ended', since: began, how: 'give-up', seconds: 30 })
  recordSeen(host, 'db', {
    event: 'outage-ended',
    since: began,
    seconds: 90,
    io: 'failed',
    how: 'give-up',
    returnMs: null,
  })
  recordSeen(host, 'mail', {
    event: 'outage-ended',
    since: began,
    seconds: 41,
    io: 'waited',
    how: 'returned',
    returnMs: 120,
  })
  await expect.poll(() => readHistory(host).events).toHaveLength(3)
  const log = rememberOutages(host)
  onTestFinished(() => log[Symbol.dispose]())
  expect(log.list()).toEqual([
    {
      volume: 'db',
      since: began,
      failed: '2026-11-27T02:00:30.000Z',
      reason: 'give-up',
      until: '2026-11-27T02:01:30.000Z',
      seconds: 90,
    },
    {
      volume: 'mail',
      since: began,
      failed: null,
      reason: null,
      until: '2026-11-27T02:00:41.000Z',
      seconds: 41,
    },
  ])
})
