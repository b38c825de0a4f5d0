import type { PartProcess } from '../../host/exec/fork.ts'
import { startPart } from '../../host/exec/fork.ts'
import type { Host } from '../../host/host.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, LunkeeperError } from '../../model/errors.ts'
import type { Act, ActError, FromObserver, PartName, ToObserver } from './protocol.ts'
import { PART_NAMES } from './protocol.ts'
import { OBSERVER_ARGUMENT, OBSERVER_SCRIPT } from './script.ts'

/** How long the observer is kept without a reader: 60 MB that a node need not spend. */
const IDLE_MS = 60_000
/** Within the server's limit for a connection on which nothing happens (limits.ts). */
const FIRST_READING_MS = 8_000
/** Within the server's limit for an answer. The change goes on, but its client hears no more of it. */
const ACT_MS = 25_000
/** It reads the node every second or two; a reading may wait for programs. */
const SILENCE_MS = 30_000
/** Until an observer that ended is started again; each time twice as long. */
const RESTART_MS = 1_000
const LONGEST_RESTART_MS = 30_000

/** Reads the node for the page and the API, and makes the changes that they ask for. */
export interface NodeObserver extends Disposable {
  /** Has it read while the lease is kept, and for a while after. */
  lease(): Disposable
  /** The JSON of a part, waiting for the first reading. Keeps the observer for a while. @throws TIMEOUT */
  part(name: PartName): Promise<string>
  /** The JSON of a part as it was last read; null before the first reading. */
  last(name: PartName): string | null
  /** Calls back at each change of a part; with null when what was read is out of date. */
  follow(told: (name: PartName, json: string | null) => void): void
  /** Why what was read last may be out of date although a lease is kept; null if it is not. */
  problem(): string | null
  /** @returns the JSON of the result @throws what the engine throws; TIMEOUT */
  act(act: Act): Promise<string>
}

export type ObserverProcess = PartProcess<ToObserver, FromObserver>

/**
 * The observer of this node: a process of its own, started when a client wants something and stopped a while after the last
 * one has left. The caller only passes its JSON on.
 */
export function openNodeObserver(
  host: Host,
  start: () => ObserverProcess = () => startPart(OBSERVER_SCRIPT, OBSERVER_ARGUMENT),
): NodeObserver {
  return new ProcessObserver(host, start)
}

interface Waiting {
  readonly resolve: (json: string) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

class ProcessObserver implements NodeObserver {
  readonly #host: Host
  readonly #start: () => ObserverProcess
  readonly #parts = new Map<PartName, string>()
  readonly #acts = new Map<number, Waiting>()
  readonly #readings = new Map<PartName, Set<Waiting>>()
  #told: (name: PartName, json: string | null) => void = () => {}
  /** When the node was read last, or was to be read for a first lease. */
  #aliveMs = 0
  #process: ObserverProcess | null = null
  #leases = 0
  #lastId = 0
  #idle: NodeJS.Timeout | undefined
  #restart: NodeJS.Timeout | undefined
  #restartMs = RESTART_MS
  #isClosed = false

  constructor(host: Host, start: () => ObserverProcess) {
    this.#host = host
    this.#start = start
  }

  lease(): Disposable {
    if (this.#leases++ === 0) this.#aliveMs = performance.now()
    this.#run()
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#leases--
        isHeld = false
        this.#rest()
      },
    }
  }

  async part(name: PartName): Promise<string> {
    using _ = this.lease()
    const known = this.#parts.get(name)
    if (known !== undefined) return known
    const waiting = this.#readings.get(name) ?? new Set()
    this.#readings.set(name, waiting)
    return this.#wait(FIRST_READING_MS, 'reading the node takes', (one) => waiting.add(one))
  }

  last(name: PartName): string | null {
    return this.#parts.get(name) ?? null
  }

  follow(told: (name: PartName, json: string | null) => void): void {
    this.#told = told
  }

  problem(): string | null {
    const seconds = Math.floor((performance.now() - this.#aliveMs) / 1000)
    return this.#leases > 0 && seconds > SILENCE_MS / 1000 ? `this node was not read for ${seconds} s` : null
  }

  async act(act: Act): Promise<string> {
    using _ = this.lease()
    const id = ++this.#lastId
    return this.#wait(ACT_MS, 'the change goes on; it takes', (waiting) => {
      this.#acts.set(id, waiting)
      this.#process?.send({ kind: 'act', id, act })
    })
  }

  async #wait(ms: number, what: string, begin: (waiting: Waiting) => void): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const timer = setTimeout(
      () => reject(new LunkeeperError('TIMEOUT', `${what} longer than ${ms / 1000} s`)),
      ms,
    )
    const waiting = { resolve, reject, timer }
    begin(waiting)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      for (const all of this.#readings.values()) all.delete(waiting)
    }
  }

  #run(): void {
    clearTimeout(this.#idle)
    if (this.#process || this.#isClosed) return
    clearTimeout(this.#restart)
    const { places, paths } = this.#host
    const started = this.#start()
    this.#process = started
    started.onMessage((message) => this.#hear(message))
    started.onExit(() => this.#ended(started))
    const hostRoot = paths.root === '/' ? null : paths.root
    started.send({ kind: 'start', records: places.records, runtime: places.runtime, hostRoot })
  }

  #hear(message: FromObserver): void {
    if (message.kind === 'alive') {
      this.#aliveMs = performance.now()
      return
    }
    if (message.kind === 'part') {
      this.#restartMs = RESTART_MS
      this.#parts.set(message.name, message.json)
      for (const { resolve } of this.#readings.get(message.name) ?? []) resolve(message.json)
      this.#readings.delete(message.name)
      this.#told(message.name, message.json)
      return
    }
    const waiting = this.#acts.get(message.id)
    this.#acts.delete(message.id)
    if (message.kind === 'done') waiting?.resolve(message.json)
    else waiting?.reject(errorOf(message.error))
  }

  /** It was stopped, or killed. What it knew is out of date. */
  #ended(ended: ObserverProcess): void {
    if (this.#process !== ended) return
    this.#process = null
    this.#forget()
    for (const { reject } of this.#acts.values())
      reject(new LunkeeperError('INTERNAL', 'the observer ended; the change may have been made, in part'))
    this.#acts.clear()
    if (this.#leases === 0 || this.#isClosed) return
    this.#restart = setTimeout(() => this.#leases > 0 && this.#run(), this.#restartMs).unref()
    this.#restartMs = Math.min(2 * this.#restartMs, LONGEST_RESTART_MS)
  }

  #rest(): void {
    if (this.#leases > 0) return
    clearTimeout(this.#idle)
    // A change that is being made is not interrupted.
    this.#idle = setTimeout(() => (this.#acts.size > 0 ? this.#rest() : this.#stop()), IDLE_MS).unref()
  }

  #stop(): void {
    const running = this.#process
    this.#process = null
    this.#forget()
    running?.kill()
  }

  #forget(): void {
    for (const name of this.#parts.keys()) this.#told(name, null)
    this.#parts.clear()
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#idle)
    clearTimeout(this.#restart)
    const error = new LunkeeperError('CANCELLED', 'the agent stops')
    for (const name of PART_NAMES) for (const { reject } of this.#readings.get(name) ?? []) reject(error)
    for (const { reject } of this.#acts.values()) reject(error)
    this.#stop()
  }
}

function errorOf({ code, message, hint }: ActError): LunkeeperError {
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL'
  return new LunkeeperError(known, message, { hint })
}
