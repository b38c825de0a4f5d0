import { once } from 'node:events'
import { connect } from 'node:net'

import { beforeEach, describe, expect, it } from 'vitest'

import { eventReader } from '../../../../src/http/page/event-reader.ts'
import { calm, trouble } from '../../../page/models.ts'
import { NOW, PORT, ServedApi } from './served-api.ts'

const api = new ServedApi()

describe('the event stream', () => {
  beforeEach(() => api.open())

  /** Reads the events of one client until `enough` returns true. */
  async function events(enough: (names: readonly string[]) => boolean, begin?: () => void) {
    const stop = new AbortController()
    const response = await api.ask('/api/v1/events', { signal: stop.signal })
    const read = eventReader()
    const found: { name: string; data: string }[] = []
    const decoder = new TextDecoder()
    let hasBegun = false
    for await (const piece of response.body!) {
      found.push(...read(decoder.decode(piece, { stream: true })))
      if (enough(found.map(({ name }) => name))) break
      if (!hasBegun && found.length >= 7) {
        hasBegun = true
        begin?.()
      }
    }
    stop.abort()
    return { response, found }
  }

  it('starts with the state of the node, then sends each change once', async () => {
    const { response, found } = await events(
      (names) => names.length >= 10,
      () => api.served.show(calm(NOW)),
    )
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const names = found.map(({ name }) => name)
    expect(names.slice(0, 7).toSorted()).toEqual(
      ['clock', 'node', 'outages', 'volumes', 'sessions', 'mounts', 'findings'].toSorted(),
    )
    const last = (wanted: string) =>
      JSON.parse(found.findLast(({ name }) => name === wanted)!.data) as unknown
    expect(last('volumes')).toEqual(calm(NOW).volumes)
    expect(Math.abs(Date.parse((last('clock') as { now: string }).now) - Date.now())).toBeLessThan(10_000)
  })

  it('has the node read only while a client is connected', async () => {
    expect(api.served.leases).toBe(0)
    await events((names) => {
      expect(api.served.leases).toBe(1)
      return names.length > 0
    })
    await expect.poll(() => api.served.leases).toBe(0)
  })

  it('sends only the newest state to a client that does not read, in bounded memory', async () => {
    const socket = connect(PORT, '127.0.0.1')
    socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
    socket.pause()
    await expect.poll(() => api.served.leases).toBe(1)
    const big = trouble(NOW)
    const padding = 'x'.repeat(200_000)
    // 40 MB in total: without a limit, all of it would be in memory.
    for (let n = 0; n < 200; n++)
      api.served.show({
        ...big,
        volumes: [{ ...big.volumes[0]!, mount: `${n}${padding}` }],
      })
    api.served.show({ ...big, volumes: [{ ...big.volumes[0]!, mount: 'the last one' }] })
    let length = 0
    let tail = ''
    const { promise: last, resolve } = Promise.withResolvers<void>()
    socket.on('data', (data) => {
      length += data.length
      tail = (tail + data.toString()).slice(-10_000)
      if (tail.includes('the last one')) resolve()
    })
    socket.resume()
    await last
    // The kernel's buffers, and the newest state.
    expect(length).toBeLessThan(20_000_000)
    socket.destroy()
  })

  it('limits the clients of one address, so that others can connect', async () => {
    const sockets = Array.from({ length: 14 }, () => {
      const socket = connect(PORT, '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
      return socket
    })
    const answers = await Promise.all(
      sockets.map(async (socket) => {
        const [data] = (await once(socket, 'data')) as [Buffer]
        return Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1])
      }),
    )
    expect(answers.filter((status) => status === 200)).toHaveLength(12)
    expect(answers.filter((status) => status === 503)).toHaveLength(2)
    expect((await api.ask('/healthz')).status).toBe(200)
    for (const socket of sockets) socket.destroy()
    await expect.poll(() => api.served.leases).toBe(0)
  })

  it('ends with the agent', async () => {
    const response = await api.ask('/api/v1/events')
    const ended = response.text().then(
      () => 'ended',
      () => 'ended',
    )
    await api.served[Symbol.asyncDispose]()
    expect(await ended).toBe('ended')
    await api.open()
  })

  it('is not started by HEAD', async () =>
    expect((await api.ask('/api/v1/events', { method: 'HEAD' })).status).toBe(405))
})
