import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { removeHoldNote, writeHoldNote } from '../../../src/state/records/hold-note.ts'
import type { Host } from '../../../src/host/host.ts'
import { monotonicMs } from '../../../src/host/clock.ts'
import { openHost } from '../../../src/host/host.ts'
import { hostPaths } from '../../../src/host/paths.ts'
import { parseAddress } from '../../../src/http/address.ts'
import type { Metrics } from '../../../src/http/metrics/metrics.ts'
import { openMetrics } from '../../../src/http/metrics/metrics.ts'
import { serveHttp } from '../../../src/http/serve.ts'
import type { HoldNote } from '../../../src/model/hold-note.ts'
import { parseName } from '../../../src/model/name.ts'
import { codeOf } from '../model/code-of.ts'
import { exchange } from './exchange.ts'

describe('a listen address', () => {
  it.each([
    ['127.0.0.1:9808', { host: '127.0.0.1', port: 9808 }],
    ['[::1]:9808', { host: '::1', port: 9808 }],
    [':9808', { host: null, port: 9808 }],
  ])('%s', (text, address) => expect(parseAddress(text)).toEqual(address))

  it.each([
    '9808',
    'localhost:9808',
    '::1:9808',
    '127.0.0.1',
    '127.0.0.1:0',
    '127.0.0.1:65536',
    '[]:9808',
    '[127.0.0.1]:1',
  ])('is refused: %s', (text) => expect(codeOf(() => parseAddress(text))).toBe('USAGE'))
})

describe('the HTTP server', () => {
  let directory: string
  let host: Host
  let metrics: Metrics
  let server: AsyncDisposable
  let port: number
  let unhealthyReason: string | null
  let notReadyReason: string | null

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'lunkeeper-http-'))
    host = openHost({
      paths: hostPaths(directory),
      places: { records: join(directory, 'records'), runtime: join(directory, 'run') },
    })
    metrics = openMetrics(host, '1.2.3')
    unhealthyReason = notReadyReason = null
    port = 20_000 + (process.pid % 20_000)
    server = await serveHttp({
      address: { host: '127.0.0.1', port },
      metrics,
      unhealthyReason: () => unhealthyReason,
      notReadyReason: () => notReadyReason,
    })
  })
  afterEach(async () => {
    await server[Symbol.asyncDispose]()
    metrics[Symbol.dispose]()
    await host[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  })

  const get = (path: string, method = 'GET') =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close' } })
  const series = async () =>
    new Map(
      (await (await get('/metrics')).text())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(/ (?=\S+$)/) as [string, string]),
    )

  it('/healthz and /readyz give the reason of a failure', async () => {
    expect((await get('/healthz')).status).toBe(200)
    expect(await (await get('/readyz')).text()).toBe('ok\n')
    notReadyReason = 'iscsid does not run'
    expect((await get('/healthz')).status).toBe(200)
    expect((await get('/readyz')).status).toBe(503)
    unhealthyReason = 'it hangs'
    for (const page of ['/healthz', '/readyz']) {
      const answer = await get(page)
      expect([answer.status, await answer.text()]).toEqual([503, 'it hangs\n'])
    }
  })

  it('other paths and methods are refused', async () => {
    expect((await get('/')).status).toBe(404)
    expect((await get('/metrics', 'POST')).status).toBe(405)
    expect(await (await get('/metrics', 'HEAD')).text()).toBe('')
  })

  it('a port in use is an error with a hint', async () => {
    await expect(
      serveHttp({
        address: { host: '127.0.0.1', port },
        metrics,
        unhealthyReason: () => null,
        notReadyReason: () => null,
      }),
    ).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('metrics follow the conventions: a prefix, base units, help texts', async () => {
    metrics.called('NodeStageVolume', 'OK', 1500)
    await metrics.observer.end?.(parseName('db'), 'login', 'x', 40)
    const text = await (await get('/metrics')).text()
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(
      ([, name, kind]) => [name!, kind!] as const,
    )
    expect(names.length).toBeGreaterThan(10)
    for (const [name, kind] of names) {
      expect(name).toMatch(/^(?:lunkeeper|process)_[a-z_]+$/)
      expect(name.endsWith('_total')).toBe(kind === 'counter')
      if (kind === 'histogram') expect(name).toMatch(/_seconds$/)
      expect(text).toContain(`# HELP ${name} `)
    }
    const found = await series()
    expect(found.get('lunkeeper_csi_call_duration_seconds_sum{method="NodeStageVolume",code="OK"}')).toBe(
      '1.5',
    )
    expect(found.get('lunkeeper_step_duration_seconds_count{step="login"}')).toBe('1')
    expect(found.get('lunkeeper_build_info{version="1.2.3"}')).toBe('1')
    expect(found.get('lunkeeper_volumes{state="holding"}')).toBe('0')
  })

  it('scrapes at the same time, and soon after, share one reading', async () => {
    let readings = 0
    const text = metrics.text.bind(metrics)
    metrics.text = async () => (readings++, text())
    const pages = await Promise.all(Array.from({ length: 10 }, async () => (await get('/metrics')).text()))
    expect(new Set(pages).size).toBe(1)
    await get('/metrics')
    expect(readings).toBe(1)
  })

  it('a request that is too large, or has a body, does not keep its connection', async () => {
    expect(
      await exchange(port, `GET /healthz HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(9 << 10)}\r\n\r\n`),
    ).toMatch(/ 431 /)
    const body = 'POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\nmore'
    expect(await exchange(port, body)).toMatch(/ 405 /)
  })

  it('one client cannot occupy all connections', async () => {
    const sockets = Array.from({ length: 40 }, () => connect(port, '127.0.0.1'))
    const ended = sockets.map((socket) => {
      socket.on('error', () => {}).resume()
      return once(socket, 'close')
    })
    await Promise.all(ended.slice(16))
    expect(sockets.filter((socket) => !socket.destroyed)).toHaveLength(16)
    for (const socket of sockets) socket.destroy()
    await Promise.all(ended)
    await expect.poll(async () => (await get('/healthz').catch(() => null))?.status).toBe(200)
  })

  it('corrupt records are counted, and the other metrics are served', async () => {
    mkdirSync(join(directory, 'records/volumes'), { recursive: true })
    writeFileSync(join(directory, 'records/volumes/half.json'), '{')
    expect((await series()).get('lunkeeper_records_corrupt')).toBe('1')
  })

  it('an outage is counted when it begins, and measured when it ends', async () => {
    const name = parseName('db')
    const since = new Date(Date.now() - 20_000).toISOString()
    const until = async (key: string, value: string) => {
      for (let tries = 0; (await series()).get(key) !== value; tries++) {
        if (tries > 100) expect.unreachable(`${key} is ${(await series()).get(key)}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    writeHoldNote(host, name, { since, ended: null, trouble: null })
    await until('lunkeeper_outages_total', '1')
    writeHoldNote(host, name, { since, ended: 'deadline', trouble: null })
    // The change must be noticed before the note is removed.
    await new Promise((resolve) => setTimeout(resolve, 200))
    removeHoldNote(host, name)
    await until('lunkeeper_outage_duration_seconds_count{io="failed"}', '1')
    const found = await series()
    expect(found.get('lunkeeper_outages_total')).toBe('1')
    expect(Number(found.get('lunkeeper_outage_duration_seconds_sum{io="failed"}'))).toBeGreaterThan(19)
  })

  it('an outage during which the clock is set counts once, and is measured by the monotonic clock', async () => {
    const name = parseName('db')
    const sinceMs = monotonicMs() - 20_000
    const note = (hoursAgo: number, ended: HoldNote['ended'] = null): HoldNote => ({
      since: new Date(Date.now() - hoursAgo * 3_600_000).toISOString(),
      sinceMs,
      ended,
      trouble: null,
    })
    const metric = async (key: string) => (await series()).get(key)
    writeHoldNote(host, name, note(0))
    await expect.poll(() => metric('lunkeeper_outages_total')).toBe('1')
    writeHoldNote(host, name, note(3, 'deadline'))
    // The change must be noticed before the note is removed.
    await new Promise((resolve) => setTimeout(resolve, 200))
    removeHoldNote(host, name)
    await expect.poll(() => metric('lunkeeper_outage_duration_seconds_count{io="failed"}')).toBe('1')
    expect(await metric('lunkeeper_outages_total')).toBe('1')
    expect(await metric('lunkeeper_outage_duration_seconds_count{io="waited"}')).toBe('0')
    expect(Number(await metric('lunkeeper_outage_duration_seconds_sum{io="failed"}'))).toBeLessThan(3_600)
  })
})
