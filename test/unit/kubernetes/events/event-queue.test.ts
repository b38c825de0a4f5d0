import { expect, it, onTestFinished } from 'vitest'

import { ApiError } from '../../../../src/kubernetes/api/api-error.ts'
import { TokenBucket } from '../../../../src/kubernetes/events/token-bucket.ts'
import type { CountedEvent } from '../../../../src/kubernetes/events/api-event.ts'
import type { VolumeEvent } from '../../../../src/kubernetes/events/volume-event.ts'
import { EventQueue } from '../../../../src/kubernetes/events/event-queue.ts'
import { until } from '../world.ts'

const event = (id: string, reason: VolumeEvent['reason'] = 'IOWaiting'): VolumeEvent => ({
  reason,
  type: 'Warning',
  message: id,
  id,
})
const refusal = (status: number, retryAfter: number | null = null) =>
  new ApiError({ status, retryAfter, body: { message: 'no' } })

/** A queue whose events are sent by `send`. */
function open(
  send: (subject: string, counted: CountedEvent) => Promise<void>,
  limits = { patience: 60_000, most: 1_000 },
) {
  const log: string[] = []
  const queue = new EventQueue<string>(send, (line) => log.push(line), limits)
  const stop = new AbortController()
  const ended = queue.run(stop.signal)
  onTestFinished(async () => {
    stop.abort()
    await ended
  })
  return { queue, log, stop: () => (stop.abort(), ended) }
}

it('a token bucket lets its burst through, and then one at a time', () => {
  const bucket = new TokenBucket(2, 1_000, 0)
  expect(bucket.wait(0)).toBe(0)
  bucket.take(0)
  bucket.take(0)
  expect(bucket.wait(0)).toBe(1_000)
  expect(bucket.wait(400)).toBe(600)
  expect(bucket.wait(1_000)).toBe(0)
  expect(bucket.isFull(1_500)).toBe(false)
  expect(bucket.isFull(9_000)).toBe(true)
})

it('a server that hangs delays neither a new event nor a stop, and equal events are counted meanwhile', async () => {
  let sent = 0
  const { promise: never } = Promise.withResolvers<void>()
  const { queue, stop } = open(async (_, { count }) => {
    sent += count
    await Promise.race([never, new Promise((resolve) => setTimeout(resolve, 300))])
  })
  queue.put('first', event('0'))
  await until('the first is on its way', () => sent === 1)
  for (let n = 0; n < 10_000; n++) queue.put('second', event(`${n}`))
  expect(sent).toBe(1)
  await until('the second is on its way', () => sent === 10_001)
  await stop()
})

it('a flapping volume makes 25 events, then one in five minutes with a count', async () => {
  const counts: number[] = []
  const { queue } = open(async (_, { count }) => void counts.push(count))
  for (let n = 0; n < 40; n++) {
    queue.put('orders', event(`${n}`))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(counts).toEqual(Array.from({ length: 25 }, () => 1))
  // Other subjects do not wait for it.
  queue.put('others', event('1'))
  await until('the other one', () => counts.length === 26)
})

it('an event that is refused is tried again after a pause, reported once, and delays no other', async () => {
  const sent: string[] = []
  let forbidden = true
  const { queue, log } = open(async (subject) => {
    if (subject === 'a' && forbidden) throw refusal(403)
    sent.push(subject)
  })
  queue.put('a', event('1'))
  queue.put('b', event('1'))
  await until('the second', () => sent.length === 1)
  forbidden = false
  await until('the first', () => sent.length === 2)
  expect(sent).toEqual(['b', 'a'])
  expect(log).toEqual(['kubernetes: events are delayed: 403: no', 'kubernetes: events can be sent again'])
})

it('a server that asks for a pause gets it from all events', async () => {
  const times: number[] = []
  const { queue } = open(async () => {
    times.push(performance.now())
    if (times.length === 1) throw refusal(429, 1_500)
  })
  queue.put('a', event('1'))
  queue.put('b', event('1'))
  await until('both', () => times.length === 3)
  expect(times[1]! - times[0]!).toBeGreaterThan(1_450)
})

it('an invalid event is dropped at once, with a line', async () => {
  let tries = 0
  const { queue, log } = open(async () => {
    tries++
    throw refusal(422)
  })
  queue.put('a', event('1'))
  await until('the line', () => log.length > 0)
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(tries).toBe(1)
  expect(log).toEqual(['kubernetes: the event IOWaiting of "a" was dropped: 422: no'])
})

it('an event that is too old, and the oldest of too many, are dropped with one line', async () => {
  const { queue, log } = open(() => Promise.reject(new Error('no server there')), {
    patience: 1_500,
    most: 3,
  })
  for (const subject of ['a', 'b', 'c', 'd', 'e']) queue.put(subject, event('1'))
  await until('they are dropped', () => log.some((line) => /3 events were dropped/.test(line)))
  expect(log.filter((line) => /dropped/.test(line)).join()).toMatch(
    /2 events.*3 events were dropped: no server there/,
  )
  expect(log).toHaveLength(3)
})
