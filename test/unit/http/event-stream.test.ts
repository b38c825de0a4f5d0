import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'

import { afterEach, beforeEach, expect, it, vi } from 'vitest'

import { EventStream } from '../../../src/http/event-stream.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A connection that accepts as much as a test says. */
class FakeResponse extends EventEmitter {
  readonly socket = { remoteAddress: '127.0.0.1', setTimeout: () => {} }
  readonly written: Buffer[] = []
  takes = true
  isDestroyed = false
  writeHead() {}
  flushHeaders() {}
  write(chunk: Buffer) {
    this.written.push(chunk)
    return this.takes
  }
  destroy() {
    this.isDestroyed = true
    this.emit('close')
  }
  get names() {
    return this.written.map((chunk) => /^event: (\w+)/.exec(chunk.toString())?.[1])
  }
}

const asResponse = (fake: FakeResponse) => fake as unknown as ServerResponse

function follow(stream: EventStream): FakeResponse {
  const client = new FakeResponse()
  expect(stream.add(asResponse(client), {}, () => {})).toBe(true)
  return client
}

it('an event is encoded once for all clients', () => {
  using stream = new EventStream(() => ({}))
  const clients = [follow(stream), follow(stream)]
  stream.publish('volumes', '[]')
  const [first, second] = clients.map(({ written }) => written.at(-1))
  expect(first!.toString()).toBe('event: volumes\ndata: []\n\n')
  expect(second).toBe(first)
})

it('a slow client gets the newest state of each event when it reads again', () => {
  using stream = new EventStream(() => ({}))
  const slow = follow(stream)
  const quick = follow(stream)
  slow.takes = false
  stream.publish('volumes', '0')
  const before = slow.written.length
  for (let n = 1; n <= 1_000; n++) stream.publish('volumes', String(n))
  stream.publish('sessions', '[]')
  expect(slow.written).toHaveLength(before)
  expect(quick.written).toHaveLength(1 + 1_002)
  slow.takes = true
  slow.emit('drain')
  expect(slow.written.slice(before).map(String)).toEqual([
    'event: volumes\ndata: 1000\n\n',
    'event: sessions\ndata: []\n\n',
  ])
})

it('a client that reads nothing for ten seconds is disconnected; others are not affected', () => {
  using stream = new EventStream(() => ({}))
  const stuck = follow(stream)
  const slow = follow(stream)
  stuck.takes = slow.takes = false
  stream.publish('volumes', '1')
  vi.advanceTimersByTime(6_000)
  slow.emit('drain')
  stream.publish('volumes', '2')
  vi.advanceTimersByTime(6_000)
  expect([stuck.isDestroyed, slow.isDestroyed]).toEqual([true, false])
  expect(stream.clients).toBe(1)
  const { length } = stuck.written
  stream.publish('volumes', '3')
  expect(stuck.written).toHaveLength(length)
})

it('the clock is sent at the start, 2 s later and every 15 s, with the time of sending', () => {
  let now = 1
  using stream = new EventStream(() => ({ now }))
  const client = follow(stream)
  now = 2
  vi.advanceTimersByTime(2_001)
  now = 3
  vi.advanceTimersByTime(13_000)
  expect(client.written.map(String)).toEqual([
    'event: clock\ndata: {"now":1}\n\n',
    'event: clock\ndata: {"now":2}\n\n',
    'event: clock\ndata: {"now":3}\n\n',
  ])
  client.destroy()
  expect(vi.getTimerCount()).toBe(0)
})

it('the stream accepts at most 32 clients', () => {
  using stream = new EventStream(() => ({}))
  const add = (address: string) => {
    const client = new FakeResponse()
    client.socket.remoteAddress = address
    return stream.add(asResponse(client), {}, () => {})
  }
  const added = Array.from({ length: 60 }, (_, n) => add(`10.0.0.${n % 5}`))
  expect(added.filter(Boolean)).toHaveLength(32)
})

it('an event that was forgotten is not sent to new clients', () => {
  using stream = new EventStream(() => ({}))
  stream.publish('volumes', '1')
  stream.forget('volumes')
  expect(follow(stream).names).toEqual(['clock'])
})
