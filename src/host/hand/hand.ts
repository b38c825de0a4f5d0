import { LunkeeperError } from '../../model/errors.ts'
import type { HandProcess } from '../exec/fork.ts'
import { startHand } from '../exec/fork.ts'
import type { Reply, Verb, Verbs } from './protocol.ts'

/** A call that the kernel answered with an error. `errno` as in errno(3), for example EIO. */
export class HandError extends Error {
  readonly errno: string

  constructor(errno: string, message: string) {
    super(message)
    this.errno = errno
  }
}

/** One disposable worker process, as seen by its parent. */
export class Hand {
  readonly #process: HandProcess
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  #lastId = 0
  #state: 'usable' | 'stuck' | 'gone' = 'usable'

  constructor() {
    this.#process = startHand()
    this.#process.onReply((reply) => this.#waiting.get(reply.id)?.(reply))
    this.#process.onExit(() => {
      this.#state = 'gone'
      for (const [id, answer] of this.#waiting)
        answer({ id, error: { errno: 'ECHILD', message: 'the worker ended' } })
    })
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
   * @throws HandError the kernel returned an error · STUCK no answer within the deadline
   */
  async call<V extends Verb>(verb: V, args: Verbs[V]['args'], deadline: number): Promise<Verbs[V]['result']> {
    // No answer would ever arrive: a request to a worker that ended in between fails immediately.
    if (this.#state !== 'usable') throw new HandError('ECHILD', 'the worker ended')
    const id = ++this.#lastId
    const { promise, resolve } = Promise.withResolvers<Reply | null>()
    const timer = setTimeout(() => resolve(null), deadline)
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
      if (reply.error) throw new HandError(reply.error.errno, reply.error.message)
      return reply.result as Verbs[V]['result']
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(id)
      this.#process.keepAlive(false)
    }
  }

  dismiss(): void {
    this.#process.abandon()
  }
}
