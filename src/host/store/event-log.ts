import { readdirSync, readFileSync } from 'node:fs'
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { makeDirectory } from './make-directory.ts'
import { storeError } from './store-error.ts'

/** With about 250 bytes per event, 16,000 events are kept. */
export const SEGMENT_BYTES = 512 << 10
export const SEGMENTS = 8
/** How many events are kept in memory while the disk accepts none; beyond that, the oldest are dropped. */
const MAX_WAITING = 1_000
/** When to try again after the disk rejected a write. */
const RETRY_INTERVAL_MS = 10_000
/** Longer than any event; a longer line was not written by us. */
const MAX_LINE = 64 << 10

interface Waiting {
  readonly line: string
}

const SEGMENT = /^events-(\d{8})\.jsonl$/

/**
 * A log of events in files (segments) of limited size, with one JSON object per line. Several processes can append at the
 * same time without a lock: each event is written with one write(2) to a file that is open with O_APPEND, and after a full
 * segment every process continues with the next number. No file is ever renamed or rewritten (docs/decisions/0015-history.md).
 *
 * Appending never fails and never waits: events are written in the background, and are lost if the disk accepts none.
 */
export class EventLog {
  readonly #directory: string
  readonly #segmentBytes: number
  readonly #segments: number
  #waiting: Waiting[] = []
  #writing: Promise<void> | null = null
  #retry: NodeJS.Timeout | undefined
  #failure: string | null = null

  constructor(directory: string, limits: { segmentBytes?: number; segments?: number } = {}) {
    this.#directory = directory
    this.#segmentBytes = limits.segmentBytes ?? SEGMENT_BYTES
    this.#segments = limits.segments ?? SEGMENTS
  }

  /** Why the last attempt to write failed; null if it succeeded. */
  get failure(): string | null {
    return this.#failure
  }

  append(event: object): void {
    this.#waiting.push({ line: `${JSON.stringify(event)}\n` })
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    this.#begin()
  }

  /** Waits until all events are written, the disk rejects them, or the time is over. @returns whether all are written */
  async settle(deadlineMs: number): Promise<boolean> {
    if (this.#waiting.length > 0) this.#begin()
    if (!this.#writing) return this.#waiting.length === 0
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, deadlineMs)
    try {
      await Promise.race([this.#writing, late])
    } finally {
      clearTimeout(timer)
    }
    return this.#waiting.length === 0
  }

  #begin(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = null
    })
  }

  async #drain(): Promise<void> {
    clearTimeout(this.#retry)
    try {
      while (this.#waiting.length > 0) await this.#writeSome()
      this.#failure = null
    } catch (error) {
      this.#failure = (error as Error).message
      // The timer does not keep the process running.
      this.#retry = setTimeout(() => this.#begin(), RETRY_INTERVAL_MS).unref()
    }
  }

  async #writeSome(): Promise<void> {
    const numbers = numbersOf(await this.#names())
    const newest = numbers.at(-1) ?? 1
    const file = await open(join(this.#directory, segmentName(newest)), 'a+', 0o600)
    let isFull: boolean
    try {
      const { size } = await file.stat()
      isFull = size >= this.#segmentBytes
      if (!isFull) await this.#appendTo(file, size)
    } finally {
      await file.close()
    }
    if (!isFull) return
    await (await open(join(this.#directory, segmentName(newest + 1)), 'a', 0o600)).close()
    for (const old of numbers.filter((number) => number <= newest + 1 - this.#segments))
      await rm(join(this.#directory, segmentName(old)), { force: true })
  }

  async #names(): Promise<string[]> {
    try {
      return await readdir(this.#directory)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      makeDirectory(this.#directory)
      return []
    }
  }

  async #appendTo(file: Awaited<ReturnType<typeof open>>, size: number): Promise<void> {
    const taken = this.#waiting.slice()
    // A process that died, or a full disk, may have left half a line, which must not swallow our first one.
    const lineEnd = size > 0 && !(await endsLine(file, size)) ? '\n' : ''
    const bytes = Buffer.from(lineEnd + taken.map(({ line }) => line).join(''))
    const { bytesWritten } = await file.write(bytes)
    let end = lineEnd.length
    const cut = taken.findIndex(({ line }) => (end += Buffer.byteLength(line)) > bytesWritten)
    const written = new Set(cut < 0 ? taken : taken.slice(0, cut))
    this.#waiting = this.#waiting.filter((one) => !written.has(one))
    if (cut >= 0) throw new Error('the disk accepted only a part of an event')
    await file.datasync()
  }
}

async function endsLine(file: Awaited<ReturnType<typeof open>>, size: number): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  return bytesRead === 0 || buffer[0] === 0x0a
}

const segmentName = (number: number) => `events-${String(number).padStart(8, '0')}.jsonl`

function numbersOf(names: readonly string[]): number[] {
  return names
    .flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
}

export interface ReadEvents {
  /** In the order of writing. Their contents are not checked. */
  readonly events: readonly Readonly<Record<string, unknown>>[]
  /** Number of lines that are not a JSON object: from a process that died, or from a damaged file. */
  readonly unreadable: number
}

/**
 * All events that are kept. Lines that cannot be read are counted.
 * @param part only lines that contain this text are parsed
 * @throws NO_PERMISSION RECORD_UNWRITABLE the files cannot be read; if there are none, nothing has been recorded
 */
export function readEvents(directory: string, part = ''): ReadEvents {
  const events: Readonly<Record<string, unknown>>[] = []
  let unreadable = 0
  for (const number of numbersOf(namesIn(directory)))
    for (const line of textOf(join(directory, segmentName(number))).split('\n')) {
      if (line === '' || !line.includes(part)) continue
      const event = line.length > MAX_LINE ? null : parsed(line)
      if (event) events.push(event)
      else unreadable++
    }
  return { events, unreadable }
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Readonly<Record<string, unknown>>) : null
  } catch {
    return null
  }
}

function namesIn(directory: string): string[] {
  return unlessMissing(directory, () => readdirSync(directory)) ?? []
}

/** The oldest file may be removed at any time. */
function textOf(path: string): string {
  return unlessMissing(path, () => readFileSync(path, 'utf8')) ?? ''
}

function unlessMissing<T>(path: string, read: () => T): T | null {
  try {
    return read()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw storeError(`the history cannot be read: ${message}`, path, cause)
  }
}
