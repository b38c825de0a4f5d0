import { AsyncLocalStorage } from 'node:async_hooks'

import { LunkeeperError } from '../../model/errors.ts'
import { Worker } from './worker.ts'

/** Number of idle workers that are kept. */
const KEPT = 4

/**
 * A call takes about a millisecond, so few workers serve many callers, and starting another costs more than waiting (a
 * tenth of a second of CPU time, which a hundred volumes that return at once need themselves). Another one is started
 * only if every worker has been busy with one call for this long.
 */
const PATIENCE = 750
const LOOK = 150

/** Milliseconds after which idle workers are stopped: 45 MB that a service need not keep. */
const IDLE = 60_000

/**
 * The worker processes of one process. A lane names what calls queue behind in the kernel (the scan mutex of a SCSI
 * host): while a call is stuck in a lane, another one would only get stuck behind it, so it is refused immediately.
 */
export class WorkerPool {
  readonly #idle: Worker[] = []
  readonly #queue: ((worker: Worker) => void)[] = []
  readonly #stuckLanes = new Map<string, { readonly reason: string; workers: number }>()
  /** Since when each busy worker has had its current user. */
  readonly #busy = new Map<Worker, number>()
  /** The worker that keeps something open for the caller: its calls meanwhile go to it. */
  readonly #held = new AsyncLocalStorage<Worker>()
  readonly #idleLimit: number
  #rest: NodeJS.Timeout | undefined

  /** @param idleLimit milliseconds */
  constructor(idleLimit = IDLE) {
    this.#idleLimit = idleLimit
  }

  /** Starts a worker ahead of time, so that its start overlaps with other work. */
  warm(): void {
    if (this.#idle.length + this.#busy.size === 0) this.#idle.push(new Worker())
  }

  /** @throws STUCK if the lane is stuck, and whatever `work` throws */
  async use<T>(lane: string | null, work: (worker: Worker) => Promise<T>): Promise<T> {
    const stuck = lane === null ? undefined : this.#stuckLanes.get(lane)
    if (stuck) throw new LunkeeperError('STUCK', `${lane} is stuck in the kernel: ${stuck.reason}`)
    const held = this.#held.getStore()
    const worker = held?.usable ? held : await this.#take()
    try {
      return await work(worker)
    } catch (error) {
      if (lane !== null && !worker.usable && error instanceof LunkeeperError)
        this.#close(lane, error.message, worker)
      throw error
    } finally {
      if (worker !== held) this.#put(worker)
    }
  }

  /**
   * Like {@link use}, for a worker that keeps something open while `work` does other things: its calls go to the same
   * worker, which would otherwise be idle while another is waited for.
   */
  async hold<T>(work: (worker: Worker) => Promise<T>): Promise<T> {
    const worker = await this.#take()
    try {
      return await this.#held.run(worker, () => work(worker))
    } finally {
      this.#put(worker)
    }
  }

  #put(worker: Worker): void {
    this.#busy.delete(worker)
    this.#give(worker)
  }

  // Calls that were in progress when the first one got stuck are stuck behind it: the last one reopens the lane.
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
      const moving = [...this.#busy.values()].some((since) => performance.now() - since < PATIENCE)
      const place = this.#queue.indexOf(resolve)
      if (moving || place < 0) return
      this.#queue.splice(place, 1)
      resolve(new Worker())
    }, LOOK)
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
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => this.close(), this.#idleLimit).unref()
    const next = this.#queue.shift()
    if (next) next(worker)
    else if (this.#idle.length < KEPT) this.#idle.push(worker)
    else worker.dismiss()
  }

  close(): void {
    for (const worker of this.#idle.splice(0)) worker.dismiss()
  }
}
