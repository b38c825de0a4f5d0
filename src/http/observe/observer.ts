import type { PartProcess } from '../../host/exec/fork.ts'
import { startPart } from '../../host/exec/fork.ts'
import type { Host } from '../../host/host.ts'
import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS, LunkeeperError } from '../../model/errors.ts'
import type { ChangeRequest, ChangeError, FromObserver, PartName, ToObserver } from './protocol.ts'
import { PART_NAMES } from './protocol.ts'
import { OBSERVER_ARGUMENT, OBSERVER_SCRIPT } from './script.ts'

/** The observer is stopped after this time without clients, because it uses about 60 MB of memory. */
const IDLE_STOP_MS = 60_000
/** Shorter than the server's timeout for an idle connection (limits.ts). */
const FIRST_READING_TIMEOUT_MS = 8_000
/** Shorter than the server's time limit for an answer. The change continues, but its client does not get the result. */
const CHANGE_TIMEOUT_MS = 25_000
/** The observer reads the node every second or two, and a reading may wait for programs. */
const SILENCE_TIMEOUT_MS = 30_000
/** Delay before an observer that ended is restarted. It doubles with each attempt, up to the maximum. */
const MIN_RESTART_DELAY_MS = 1_000
const MAX_RESTART_DELAY_MS = 30_000

/** Reads the node for the page and the API, and makes the changes that they ask for. */
export interface NodeObserver extends Disposable {
  /** Keeps the observer reading until the lease is disposed, and for a minute after. */
  lease(): Disposable
  /** The JSON of a part. Starts the observer and waits for its first reading if necessary. @throws TIMEOUT */
  part(name: PartName): Promise<string>
  /** The JSON of a part as it was last read; null before the first reading. */
  last(name: PartName): string | null
  /** Calls `onPart` when a part has changed, and with null when its last state is out of date. */
  follow(onPart: (name: PartName, json: string | null) => void): void
  /** Why the last reading may be out of date while clients wait for changes; null if it is not. */
  problem(): string | null
  /** Makes a change. @returns the JSON of the result @throws the errors of the command of the same name, TIMEOUT */
  change(change: ChangeRequest): Promise<string>
}

export type ObserverProcess = PartProcess<ToObserver, FromObserver>

/**
 * Opens the observer of this node: a separate process, started when a client needs it and stopped a minute after the last one
 * has left. This process only forwards its JSON.
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
  readonly #changes = new Map<number, Waiting>()
  readonly #waitingForPart = new Map<PartName, Set<Waiting>>()
  #onPart: (name: PartName, json: string | null) => void = () => {}
  /** When the node was last read, or when the first lease began. */
  #lastReadingMs = 0
  #process: ObserverProcess | null = null
  #leases = 0
  #lastId = 0
  #idleTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #restartDelayMs = MIN_RESTART_DELAY_MS
  #isClosed = false

  constructor(host: Host, start: () => ObserverProcess) {
    this.#host = host
    this.#start = start
  }

  lease(): Disposable {
    if (this.#leases++ === 0) this.#lastReadingMs = performance.now()
    this.#ensureRunning()
    let isHeld = true
    return {
      [Symbol.dispose]: () => {
        if (isHeld) this.#leases--
        isHeld = false
        this.#stopWhenIdle()
      },
    }
  }

  async part(name: PartName): Promise<string> {
    using _ = this.lease()
    const known = this.#parts.get(name)
    if (known !== undefined) return known
    const waiting = this.#waitingForPart.get(name) ?? new Set()
    this.#waitingForPart.set(name, waiting)
    return this.#waitFor(FIRST_READING_TIMEOUT_MS, 'reading the node took', (one) => waiting.add(one))
  }

  last(name: PartName): string | null {
    return this.#parts.get(name) ?? null
  }

  follow(onPart: (name: PartName, json: string | null) => void): void {
    this.#onPart = onPart
  }

  problem(): string | null {
    const seconds = Math.floor((performance.now() - this.#lastReadingMs) / 1000)
    return this.#leases > 0 && seconds > SILENCE_TIMEOUT_MS / 1000
      ? `the node was not read for ${seconds} s`
      : null
  }

  async change(change: ChangeRequest): Promise<string> {
    using _ = this.lease()
    const id = ++this.#lastId
    return this.#waitFor(CHANGE_TIMEOUT_MS, 'the change continues, but it took', (waiting) => {
      this.#changes.set(id, waiting)
      this.#process?.send({ kind: 'change', id, change })
    })
  }

  async #waitFor(ms: number, what: string, begin: (waiting: Waiting) => void): Promise<string> {
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
      for (const all of this.#waitingForPart.values()) all.delete(waiting)
    }
  }

  #ensureRunning(): void {
    clearTimeout(this.#idleTimer)
    if (this.#process || this.#isClosed) return
    clearTimeout(this.#restartTimer)
    const { places, paths } = this.#host
    const started = this.#start()
    this.#process = started
    started.onMessage((message) => this.#receive(message))
    started.onExit(() => this.#handleExit(started))
    const hostRoot = paths.root === '/' ? null : paths.root
    started.send({ kind: 'start', records: places.records, runtime: places.runtime, hostRoot })
  }

  #receive(message: FromObserver): void {
    if (message.kind === 'alive') {
      this.#lastReadingMs = performance.now()
      return
    }
    if (message.kind === 'part') {
      this.#restartDelayMs = MIN_RESTART_DELAY_MS
      this.#parts.set(message.name, message.json)
      for (const { resolve } of this.#waitingForPart.get(message.name) ?? []) resolve(message.json)
      this.#waitingForPart.delete(message.name)
      this.#onPart(message.name, message.json)
      return
    }
    const waiting = this.#changes.get(message.id)
    this.#changes.delete(message.id)
    if (message.kind === 'done') waiting?.resolve(message.json)
    else waiting?.reject(errorOf(message.error))
  }

  /** The process has ended: the parts that it read are out of date. */
  #handleExit(ended: ObserverProcess): void {
    if (this.#process !== ended) return
    this.#process = null
    this.#discardParts()
    for (const { reject } of this.#changes.values())
      reject(
        new LunkeeperError('INTERNAL', 'the observer process ended; the change may have been made in part'),
      )
    this.#changes.clear()
    if (this.#leases === 0 || this.#isClosed) return
    this.#restartTimer = setTimeout(
      () => this.#leases > 0 && this.#ensureRunning(),
      this.#restartDelayMs,
    ).unref()
    this.#restartDelayMs = Math.min(2 * this.#restartDelayMs, MAX_RESTART_DELAY_MS)
  }

  #stopWhenIdle(): void {
    if (this.#leases > 0) return
    clearTimeout(this.#idleTimer)
    // A change in progress is not interrupted.
    this.#idleTimer = setTimeout(
      () => (this.#changes.size > 0 ? this.#stopWhenIdle() : this.#stop()),
      IDLE_STOP_MS,
    ).unref()
  }

  #stop(): void {
    const running = this.#process
    this.#process = null
    this.#discardParts()
    running?.kill()
  }

  #discardParts(): void {
    for (const name of this.#parts.keys()) this.#onPart(name, null)
    this.#parts.clear()
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    clearTimeout(this.#idleTimer)
    clearTimeout(this.#restartTimer)
    const error = new LunkeeperError('CANCELLED', 'the agent is stopping')
    for (const name of PART_NAMES)
      for (const { reject } of this.#waitingForPart.get(name) ?? []) reject(error)
    for (const { reject } of this.#changes.values()) reject(error)
    this.#stop()
  }
}

function errorOf({ code, message, hint }: ChangeError): LunkeeperError {
  const known = Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : 'INTERNAL'
  return new LunkeeperError(known, message, { hint })
}
