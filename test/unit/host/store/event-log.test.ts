import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { EventLog, readEvents } from '../../../../src/host/store/event-log.ts'
import { temporary } from '../../temporary.ts'

const WAIT_MS = 10_000

let directory: string
beforeEach(() => {
  directory = join(temporary(), 'a/history')
})

const first = () => join(directory, 'events-00000001.jsonl')
const numbers = () => readEvents(directory).events.map(({ n }) => n)

describe('an event log', () => {
  it('keeps events in order, readable only by root, after its process has ended', async () => {
    const log = new EventLog(directory)
    for (const n of [1, 2, 3]) log.append({ n, text: 'größe\nline' })
    expect(await log.settle(WAIT_MS)).toBe(true)
    new EventLog(directory).append({ n: 4 })
    const next = new EventLog(directory)
    next.append({ n: 5 })
    await next.settle(WAIT_MS)
    expect(numbers()).toEqual(expect.arrayContaining([1, 2, 3, 5]))
    expect(readEvents(directory).events[0]).toEqual({ n: 1, text: 'größe\nline' })
    expect([statSync(first()).mode & 0o777, statSync(directory).mode & 0o777]).toEqual([0o600, 0o700])
  })

  it('is limited in size: after a full segment a new one starts, and the oldest is removed', async () => {
    const log = new EventLog(directory, { segmentBytes: 100, segments: 3 })
    for (let n = 0; n < 60; n++) {
      log.append({ n })
      await log.settle(WAIT_MS)
    }
    expect(readdirSync(directory)).toHaveLength(3)
    const kept = numbers() as number[]
    // No event is lost between the oldest one kept and the newest.
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, index) => 60 - kept.length + index))
    expect(kept.length).toBeGreaterThan(20)
  })

  it('loses only the half line that a process left when it died', async () => {
    mkdirSync(directory, { recursive: true })
    writeFileSync(first(), '{"n":1}\n{"n":2')
    const log = new EventLog(directory)
    log.append({ n: 3 })
    await log.settle(WAIT_MS)
    expect(readFileSync(first(), 'utf8')).toBe('{"n":1}\n{"n":2\n{"n":3}\n')
    expect(readEvents(directory)).toEqual({ events: [{ n: 1 }, { n: 3 }], unreadable: 1 })
  })

  it('counts zeros, lists, numbers and very long lines as unreadable', () => {
    mkdirSync(directory, { recursive: true })
    writeFileSync(first(), `{"n":1}\n${'\0'.repeat(40)}\n[1]\n7\n{"n":"${'x'.repeat(70_000)}"}\n`)
    appendFileSync(first(), '{"n":2}\n')
    expect(readEvents(directory)).toEqual({ events: [{ n: 1 }, { n: 2 }], unreadable: 4 })
  })

  it('writes the events later if the disk rejects them now', async () => {
    mkdirSync(join(directory, '..'), { recursive: true })
    writeFileSync(directory, 'in the way')
    const log = new EventLog(directory)
    log.append({ n: 1 })
    expect(await log.settle(WAIT_MS)).toBe(false)
    expect(log.failure).toMatch(/EEXIST|ENOTDIR/)
    rmSync(directory)
    log.append({ n: 2 })
    expect(await log.settle(WAIT_MS)).toBe(true)
    expect(log.failure).toBeNull()
    expect(numbers()).toEqual([1, 2])
  })

  it('drops the oldest events if too many wait for such a disk', async () => {
    mkdirSync(join(directory, '..'), { recursive: true })
    writeFileSync(directory, 'in the way')
    const log = new EventLog(directory)
    for (let n = 0; n < 1_500; n++) log.append({ n })
    await log.settle(WAIT_MS)
    rmSync(directory)
    log.append({ n: 1_500 })
    await log.settle(WAIT_MS)
    const kept = numbers()
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([1_000, 501, 1_500])
  })

  it('is empty without a directory', () => {
    expect(readEvents(directory)).toEqual({ events: [], unreadable: 0 })
  })

  it('loses and mixes no events of several processes that append at the same time', async () => {
    const program = `
      const { EventLog } = await import(${JSON.stringify(new URL('../../../../src/host/store/event-log.ts', import.meta.url).href)})
      const log = new EventLog(${JSON.stringify(directory)}, { segmentBytes: 2000, segments: 1000 })
      for (let n = 0; n < 100; n++) {
        log.append({ who: process.argv[1], n, text: 'x'.repeat(100) })
        if (n % 3 === 0) await log.settle(10_000)
      }
      await log.settle(10_000)`
    const writers = ['a', 'b', 'c'].map((who) =>
      spawn(process.execPath, ['--input-type=module', '-e', program, who], { stdio: 'inherit' }),
    )
    await Promise.all(writers.map((writer) => once(writer, 'exit')))
    const { events, unreadable } = readEvents(directory)
    expect(unreadable).toBe(0)
    expect(readdirSync(directory).length).toBeGreaterThan(5)
    for (const who of ['a', 'b', 'c']) {
      const own = events.filter((event) => event['who'] === who).map(({ n }) => n as number)
      expect(own.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    }
  })
})
