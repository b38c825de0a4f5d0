import { LunkeeperError } from '../../model/errors.ts'
import type { WorkerProcess } from '../exec/fork.ts'
import { startWorker } from '../exec/fork.ts'
import type { Reply, Verb, Verbs } from './protocol.ts'
import { STARTED } from './protocol.ts'

/** A call that failed, with its errno(3): EIO, for example. ECHILD if the worker ended. */
export class WorkerError extends Error {
  readonly errno: string

  constructor(errno: string, message: string) {
    super(message)
    this.errno = errno
  }
}

/**
 * For the `catch` of a call: a {@link WorkerError} becomes an error with this code; other errors stay as they are.
 * @param what what was not possible; the reason is appended
 */
export function callFailed(code: LunkeeperError['code'], what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof WorkerError)) throw error
    throw new LunkeeperError(code, `${what}: ${error.message}`, { cause: error })
  }
}

/** How long a process may take to start: on a busy machine that is many seconds. The call's own deadline begins after that. */
const START_DEADLINE_MS = 60_000

/** A disposable worker process, as seen by its parent. */
export class Worker {
  readonly #process: WorkerProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #lastId = 0
  #state: 'usable' | 'stuck' | 'gone' = 'usable'
  #isStarted = false
  /** Functions that begin the deadlines of calls that were made before the process had started. */
  readonly #starting = new Set<() => void>()

  constructor() {
    this.#process = startWorker()
    this.#process.onReply((reply) => {
      if (reply.id === STARTED) this.#started()
      else this.#waiting.get(reply.id)?.(reply)
    })
    this.#process.onExit(() => {
      this.#state = 'gone'
      for (const [id, answer] of this.#waiting)
        answer({ id, error: { errno: 'ECHILD', message: 'the worker ended' } })
    })
  }

  #started(): void {
    this.#isStarted = true
    for (const restart of this.#starting) restart()
    this.#starting.clear()
  }

  get pid(): number {
    return this.#process.pid
  }

  get usable(): boolean {
    return this.#state === 'usable'
  }

  /** Calls the listener when the process has ended: for an abandoned worker, when the kernel has released it. */
  onExit(listener: () => void): void {
    if (this.#state === 'gone') queueMicrotask(listener)
    else this.#process.onExit(listener)
  }

  /**
   * Makes one call in the worker process.
   * @param deadline milliseconds, after which the worker is abandoned and never used again
   * @throws WorkerError the call failed · STUCK the call did not return within the deadline
   */
  async call<V extends Verb>(verb: V, args: Verbs[V]['args'], deadline: number): Promise<Verbs[V]['result']> {
    // The answer would never arrive.
    if (this.#state !== 'usable') throw new WorkerError('ECHILD', 'the worker ended')
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    const late = () => resolve(null)
    let timer = setTimeout(late, this.#isStarted ? deadline : START_DEADLINE_MS)
    const restart = () => {
      clearTimeout(timer)
      timer = setTimeout(late, deadline)
    }
    if (!this.#isStarted) this.#starting.add(restart)
    this.#waiting.set(id, resolve)
    this.#process.keepAlive(true)
    try {
      this.#process.send({ id, verb, args })
      const reply = await promise
      if (reply === null) {
        this.#state = 'stuck'
        this.#process.abandon()
        throw new LunkeeperError('STUCK', `${verb} ${args.path} did not return within ${deadline / 1000} s`, {
          details: { verb, path: args.path, pid: this.pid },
        })
      }
      if (reply.error) throw new WorkerError(reply.error.errno, reply.error.message)
      return reply.result as Verbs[V]['result']
    } finally {
      clearTimeout(timer)
      this.#starting.delete(restart)
      this.#waiting.delete(id)
      this.#process.keepAlive(false)
    }
  }

  /** Ends the process. */
  dismiss(): void {
    this.#process.abandon()
  }
}
