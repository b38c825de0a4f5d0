import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

import type { Host } from '../../../src/host/host.ts'
import { openHost } from '../../../src/host/host.ts'
import type { NodeObserver, ObserverProcess } from '../../../src/http/observe/observer.ts'
import { openNodeObserver } from '../../../src/http/observe/observer.ts'
import type { FromObserver, ToObserver } from '../../../src/http/observe/protocol.ts'
import { parseName } from '../../../src/model/name.ts'
import { writeHoldNote } from '../../../src/state/records/hold-note.ts'
import { staged } from '../kubernetes/node.ts'
import { temporary } from '../temporary.ts'
import { writeRecord } from '../../../src/state/records/volumes.ts'

function hostAt(directory: string): Host {
  const host = openHost({ places: { records: join(directory, 'records'), runtime: join(directory, 'run') } })
  onTestFinished(() => host[Symbol.asyncDispose]())
  return host
}

/** A process that sends what a test wants. */
class FakeProcess implements ObserverProcess {
  readonly pid = 1
  readonly heard: ToObserver[] = []
  isKilled = false
  hear: (message: FromObserver) => void = () => {}
  exit: () => void = () => {}
  send(message: ToObserver) {
    this.heard.push(message)
  }
  onMessage(listener: (message: FromObserver) => void) {
    this.hear = listener
  }
  onExit(listener: () => void) {
    this.exit = listener
  }
  kill() {
    this.isKilled = true
    this.exit()
  }
}

describe('the life of an observer', () => {
  let started: FakeProcess[]
  let observer: NodeObserver

  beforeEach(() => {
    vi.useFakeTimers()
    started = []
    observer = openNodeObserver(hostAt(temporary()), () => {
      const process = new FakeProcess()
      started.push(process)
      return process
    })
  })
  afterEach(() => {
    observer[Symbol.dispose]()
    vi.useRealTimers()
  })

  const volumes = (json: string) => started.at(-1)!.hear({ kind: 'part', name: 'volumes', json })

  it('begins with the first client, is shared, and ends some time after the last client', async () => {
    expect(started).toHaveLength(0)
    const one = observer.part('volumes')
    const two = observer.part('volumes')
    const lease = observer.lease()
    expect(started).toHaveLength(1)
    expect(started[0]!.heard[0]).toMatchObject({ kind: 'start', hostRoot: null })
    volumes('[1]')
    expect(await Promise.all([one, two])).toEqual(['[1]', '[1]'])
    await vi.advanceTimersByTimeAsync(600_000)
    expect(started[0]!.isKilled).toBe(false)
    lease[Symbol.dispose]()
    await vi.advanceTimersByTimeAsync(59_000)
    expect(started[0]!.isKilled).toBe(false)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(started[0]!.isKilled).toBe(true)
    // Its last state is out of date.
    expect(observer.last('volumes')).toBeNull()
    void observer.part('volumes').catch(() => {})
    expect(started).toHaveLength(2)
  })

  it('that ended starts again with growing delays while a client is connected', async () => {
    const told: string[] = []
    observer.follow((name, json) => told.push(`${name} ${json}`))
    using _ = observer.lease()
    const counts: number[] = []
    for (let n = 0; n < 4; n++) {
      started.at(-1)!.exit()
      await vi.advanceTimersByTimeAsync(999)
      counts.push(started.length)
      await vi.advanceTimersByTimeAsync(30_000)
    }
    expect(counts).toEqual([1, 2, 3, 4])
    volumes('[2]')
    expect(told).toEqual(['volumes [2]'])
    // The node was not read meanwhile.
    expect(observer.problem()).toMatch(/not read for 1\d\d s/)
    started.at(-1)!.hear({ kind: 'alive' })
    expect(observer.problem()).toBeNull()
    started.at(-1)!.exit()
    expect(told).toEqual(['volumes [2]', 'volumes null'])
    await vi.advanceTimersByTimeAsync(1_001)
    expect(started).toHaveLength(6)
  })

  it('without an answer ends in TIMEOUT', async () => {
    const results = Promise.allSettled([
      observer.part('findings'),
      observer.change({ kind: 'fix', dryRun: true, code: null }),
    ])
    await vi.advanceTimersByTimeAsync(30_000)
    for (const result of await results)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'TIMEOUT' } })
    // The change continues, and is not interrupted.
    await vi.advanceTimersByTimeAsync(600_000)
    expect(started[0]!.isKilled).toBe(false)
    started[0]!.hear({ kind: 'done', id: 1, json: '{}' })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(started[0]!.isKilled).toBe(true)
  })

  it('has the result of a change, or its error', async () => {
    const good = observer.change({ kind: 'hold', volume: 'db', wanted: '1h' })
    const bad = observer.change({ kind: 'give-up', volume: 'db' })
    const changes = started[0]!.heard.filter((message) => message.kind === 'change')
    expect(changes.map(({ change }) => change.kind)).toEqual(['hold', 'give-up'])
    const error = { code: 'CONFLICT', message: 'it is not waiting', hint: 'do that' }
    started[0]!.hear({ kind: 'failed', id: changes[1]!.id, error })
    started[0]!.hear({ kind: 'done', id: changes[0]!.id, json: '{"name":"db"}' })
    expect(await good).toBe('{"name":"db"}')
    await expect(bad).rejects.toMatchObject(error)
  })

  it('that ends during a change makes the change fail', async () => {
    const act = observer.change({ kind: 'fix', dryRun: false, code: null })
    started[0]!.exit()
    await expect(act).rejects.toMatchObject({ message: expect.stringContaining('may have been made') })
  })
})

describe('the process itself', () => {
  it(
    'reads the node, follows records and holds, answers changes, and ends with its channel',
    { timeout: 120_000 },
    async () => {
      const directory = temporary()
      const host = hostAt(directory)
      using observer = openNodeObserver(host)
      using _ = observer.lease()
      expect(await observer.part('volumes')).toBe('[]')
      expect(JSON.parse(await observer.part('sessions'))).toEqual(expect.any(Array))
      expect(await observer.part('mounts')).toBe('[]')
      await expect(observer.change({ kind: 'hold', volume: 'nothing', wanted: '1h' })).rejects.toMatchObject({
        code: 'NOT_FOUND',
      })
      await expect(
        observer.change({ kind: 'hold', volume: 'nothing', wanted: 'soon' }),
      ).rejects.toMatchObject({
        code: 'BAD_HOLD',
      })
      const states = () =>
        (JSON.parse(observer.last('volumes') ?? '[]') as { name: string; state: string }[]).map(
          ({ name, state }) => `${name} ${state}`,
        )
      writeRecord(host, staged)
      await expect.poll(states, { timeout: 30_000 }).toEqual(['csi-orders failed'])
      writeHoldNote(host, parseName('csi-orders'), {
        since: new Date().toISOString(),
        ended: null,
        trouble: null,
      })
      await expect.poll(states, { timeout: 30_000 }).toEqual(['csi-orders holding'])
      // A record that cannot be read does not stop anything.
      writeFileSync(join(directory, 'records/volumes/half.json'), '{')
      await expect
        .poll(() => observer.last('findings'), { timeout: 60_000 })
        .toMatch(/HOLDING|RECORD_CORRUPT|NO_PERMISSION/)
    },
  )
})
