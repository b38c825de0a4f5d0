import { expect, it, onTestFinished } from 'vitest'

import { Refusal } from '../../../../src/kubernetes/api/refusal.ts'
import { Bucket } from '../../../../src/kubernetes/events/bucket.ts'
import type { Tally } from '../../../../src/kubernetes/events/event.ts'
import type { Happening } from '../../../../src/kubernetes/events/happening.ts'
import { Outbox } from '../../../../src/kubernetes/events/outbox.ts'
import { until } from '../world.ts'

const happening = (id: string, reason: Happening['reason'] = 'IOWaiting'): Happening => ({
  reason,
  type: 'Warning',
  message: id,
  id,
})
const refusal = (status: number, retryAfter: number | null = null) =>
  new Refusal({ status, retryAfter, body: { message: 'no' } })

/** An outbox whose letters are sent by `send`. */
function open(
  send: (subject: string, tally: Tally) => Promise<void>,
  limits = { patience: 60_000, most: 1_000 },
) {
  const log: string[] = []
  const outbox = new Outbox<string>(send, (line) => log.push(line), limits)
  const stop = new AbortController()
  const ended = outbox.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { outbox, log, stop: () => (stop.abort(), ended) }
}

it('a bucket lets its burst through, and then one at a time', () => {
  const bucket = new Bucket(2, 1_000, 0)
  expect(bucket.wait(0)).toBe(0)
  bucket.take(0)
  bucket.take(0)
  expect(bucket.wait(0)).toBe(1_000)
  expect(bucket.wait(400)).toBe(600)
  expect(bucket.wait(1_000)).toBe(0)
  expect(bucket.isFull(1_500)).toBe(false)
  expect(bucket.isFull(9_000)).toBe(true)
})

it('a server that hangs: putting takes no time, the same again is counted meanwhile, stopping does not wait', async () => {
  let sent = 0
  const { promise: never } = Promise.withResolvers<void>()
  const { outbox, stop } = open(async (_, { count }) => {
    sent += count
    await Promise.race([never, new Promise((resolve) => setTimeout(resolve, 300))])
  })
  outbox.put('first', happening('0'))
  await until('the first is on its way', () => sent === 1)
  for (let n = 0; n < 10_000; n++) outbox.put('second', happening(`${n}`))
  expect(sent).toBe(1)
  await until('the second is on its way', () => sent === 10_001)
  await stop()
})

it('a volume that comes and goes: 25 events, then one in five minutes, of which each is counted', async () => {
  const counts: number[] = []
  const { outbox } = open(async (_, { count }) => void counts.push(count))
  for (let n = 0; n < 40; n++) {
    outbox.put('orders', happening(`${n}`))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(counts).toEqual(Array.from({ length: 25 }, () => 1))
  // Nobody else waits for it.
  outbox.put('others', happening('1'))
  await until('the other one', () => counts.length === 26)
})

it('refused for this one only: the others go on; tried again after a pause; said once', async () => {
  const sent: string[] = []
  let forbidden = true
  const { outbox, log } = open(async (subject) => {
    if (subject === 'a' && forbidden) throw refusal(403)
    sent.push(subject)
  })
  outbox.put('a', happening('1'))
  outbox.put('b', happening('1'))
  await until('the second', () => sent.length === 1)
  forbidden = false
  await until('the first', () => sent.length === 2)
  expect(sent).toEqual(['b', 'a'])
  expect(log).toEqual(['kubernetes: events are delayed: 403: no', 'kubernetes: events can be sent again'])
})

it('a server that wants rest gets it from all', async () => {
  const times: number[] = []
  const { outbox } = open(async () => {
    times.push(performance.now())
    if (times.length === 1) throw refusal(429, 1_500)
  })
  outbox.put('a', happening('1'))
  outbox.put('b', happening('1'))
  await until('both', () => times.length === 3)
  expect(times[1]! - times[0]!).toBeGreaterThan(1_450)
})

it('what is wrong with itself is dropped at once, with a line', async () => {
  let tries = 0
  const { outbox, log } = open(async () => {
    tries++
    throw refusal(422)
  })
  outbox.put('a', happening('1'))
  await until('the line', () => log.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(tries).toBe(1)
  expect(log).toEqual(['kubernetes: the event IOWaiting of "a" was dropped: 422: no'])
})

it('what cannot be told in time is dropped, and so is the oldest of too many: with one line', async () => {
  const { outbox, log } = open(() => Promise.reject(new Error('nobody there')), { patience: 1_500, most: 3 })
  for (const subject of ['a', 'b', 'c', 'd', 'e']) outbox.put(subject, happening('1'))
  await until('they are dropped', () => log.some((line) => /3 events were dropped/.test(line)))
  expect(log.filter((line) => /dropped/.test(line)).join()).toMatch(
    /2 events.*3 events were dropped: nobody there/,
  )
  expect(log).toHaveLength(3)
})
