import { AsyncLocalStorage } from 'node:async_hooks'

import { LunkeeperError } from '../../model/errors.ts'
import { Worker } from './worker.ts'

/** The number of idle workers that are kept. */
const MAX_IDLE = 4

/**
 * Another worker is started only if every worker has been busy with one call for this long. A call takes about a
 * millisecond, so few workers serve many callers; starting one takes a tenth of a second of CPU time, which a hundred
 * volumes that return at once need for themselves.
 */
const BUSY_LIMIT_MS = 750
const BUSY_POLL_MS = 150

/** After this time idle workers are stopped: a service need not keep 45 MB for each. */
const IDLE_LIMIT_MS = 60_000

/**
 * The worker processes of this process. A *lane* names a kernel resource that calls wait for one after the other, such as
 * the scan mutex of a SCSI host. While a call is stuck in a lane, further calls would only get stuck behind it, so they are
 * refused immediately.
 */
export class WorkerPool {
  readonly #idle: Worker[] = []
  readonly #queue: ((worker: Worker) => void)[] = []
  readonly #stuckLanes = new Map<string, { readonly reason: string; workers: number }>()
  /** When each busy worker was given to its current user. */
  readonly #busy = new Map<Worker, number>()
  /** The worker that is pinned to the current caller ({@link pin}). */
  readonly #pinned = new AsyncLocalStorage<Worker>()
  readonly #idleLimit: number
  #idleTimer: NodeJS.Timeout | undefined

  /** @param idleLimit milliseconds */
  constructor(idleLimit = IDLE_LIMIT_MS) {
    this.#idleLimit = idleLimit
  }

  /** Starts a worker ahead of time, so that its start overlaps with other work. */
  warm(): void {
    if (this.#idle.length + this.#busy.size === 0) this.#idle.push(new Worker())
  }

  /**
   * Runs `work` with a worker.
   * @param lane the kernel resource that the calls wait for; null if there is none
   * @throws STUCK a call is stuck in the lane, and what `work` throws
   */
  async use<T>(lane: string | null, work: (worker: Worker) => Promise<T>): Promise<T> {
    const stuck = lane === null ? undefined : this.#stuckLanes.get(lane)
    if (stuck) throw new LunkeeperError('STUCK', `${lane} is stuck in the kernel: ${stuck.reason}`)
    const pinned = this.#pinned.getStore()
    const worker = pinned?.usable ? pinned : await this.#take()
    try {
      return await work(worker)
    } catch (error) {
      if (lane !== null && !worker.usable && error instanceof LunkeeperError)
        this.#close(lane, error.message, worker)
      throw error
    } finally {
      if (worker !== pinned) this.#put(worker)
    }
  }

  /**
   * Like {@link use}, for a worker that keeps a device open. All calls that `work` makes through the pool go to this
   * worker, which would otherwise be idle while the caller waits for another one.
   */
  async pin<T>(work: (worker: Worker) => Promise<T>): Promise<T> {
    const worker = await this.#take()
    try {
      return await this.#pinned.run(worker, () => work(worker))
    } finally {
      this.#put(worker)
    }
  }

  #put(worker: Worker): void {
    this.#busy.delete(worker)
    this.#give(worker)
  }

  // Calls that were in progress when the first one got stuck are stuck behind it. The last one to end reopens the lane.
  #close(lane: string, reason: string, worker: Worker): void {
    const stuck = this.#stuckLanes.get(lane) ?? { reason, workers: 0 }
    this.#stuckLanes.set(lane, stuck)
    stuck.workers++
    worker.onExit(() => {
      if (--stuck.workers === 0) this.#stuckLanes.delete(lane)
    })
  }

  async #take(): Promise<Worker> {
    const worker = this.#nextIdle() ?? (this.#busy.size === 0 ? new Worker() : await this.#wait())
    this.#busy.set(worker, performance.now())
    return worker
  }

  async #wait(): Promise<Worker> {
    const { promise, resolve } = Promise.withResolvers<Worker>()
    this.#queue.push(resolve)
    const timer = setInterval(() => {
      const isMoving = [...this.#busy.values()].some((since) => performance.now() - since < BUSY_LIMIT_MS)
      const place = this.#queue.indexOf(resolve)
      if (isMoving || place < 0) return
      this.#queue.splice(place, 1)
      resolve(new Worker())
    }, BUSY_POLL_MS)
    try {
      return await promise
    } finally {
      clearInterval(timer)
    }
  }

  #nextIdle(): Worker | undefined {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) if (worker.usable) return worker
    return undefined
  }

  #give(worker: Worker): void {
    if (!worker.usable) return
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => this.close(), this.#idleLimit).unref()
    const next = this.#queue.shift()
    if (next) next(worker)
    else if (this.#idle.length < MAX_IDLE) this.#idle.push(worker)
    else worker.dismiss()
  }

  /** Ends the idle workers. */
  close(): void {
    for (const worker of this.#idle.splice(0)) worker.dismiss()
  }
}
