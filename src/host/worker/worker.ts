import { LunkeeperError } from '../../model/errors.ts'
import type { WorkerProcess } from '../exec/fork.ts'
import { startWorker } from '../exec/fork.ts'
import type { Reply, Verb, Verbs } from './protocol.ts'
import { STARTED } from './protocol.ts'

/** A call that the kernel answered with an error. `errno` as in errno(3), for example EIO. */
export class WorkerError extends Error {
  readonly errno: string

  constructor(errno: string, message: string) {
    super(message)
    this.errno = errno
  }
}

/** Milliseconds for the process to start; then each call has its own deadline. */
const START_DEADLINE_MS = 60_000

/** One disposable worker process, as seen by its parent. */
export class Worker {
  readonly #process: WorkerProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #lastId = 0
  #state: 'usable' | 'stuck' | 'gone' = 'usable'
  #isStarted = false
  /** Of the calls that were made before the process had started: begins their deadlines. */
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

  /** Resolves when the kernel has released an abandoned worker. */
  onExit(listener: () => void): void {
    if (this.#state === 'gone') queueMicrotask(listener)
    else this.#process.onExit(listener)
  }

  /**
   * @param deadline milliseconds, after which the worker is abandoned and never used again
   * @throws WorkerError the kernel returned an error · STUCK no answer within the deadline
   */
  async call<V extends Verb>(verb: V, args: Verbs[V]['args'], deadline: number): Promise<Verbs[V]['result']> {
    // No answer would ever arrive: a request to a worker that ended in between fails immediately.
    if (this.#state !== 'usable') throw new WorkerError('ECHILD', 'the worker ended')
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    const late = () => resolve(null)
    let timer = setTimeout(late, this.#isStarted ? deadline : START_DEADLINE_MS)
    // The start of a program is not the kernel's call: on a busy machine it alone takes many seconds.
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

  dismiss(): void {
    this.#process.abandon()
  }
}
