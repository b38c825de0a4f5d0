import type { Host } from '../host/host.ts'
import { isAnyHolding } from '../state/records/hold-note.ts'
import { makeRoom } from '../volumes/holding/dirty-limit.ts'
import type { AgentLog } from './log.ts'

/** A program that writes at the speed of memory fills the node's limit within a second. */
const PULSE = 200

/**
 * Keeps the room of those that do not wait, for as long as any volume does, by a clock of its own: what the
 * agent does otherwise does not hold it up.
 */
export class Room implements Disposable {
  readonly #host: Host
  readonly #log: AgentLog
  #timer: NodeJS.Timeout | undefined

  constructor(host: Host, log: AgentLog) {
    this.#host = host
    this.#log = log
  }

  /** A hold may have begun, or a former agent may have left one. */
  stir(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => this.#tend(), PULSE)
    this.#tend()
  }

  #tend(): void {
    try {
      const done = makeRoom(this.#host)
      if (done !== null) this.#log.say(null, done)
      if (!isAnyHolding(this.#host)) this.#rest()
    } catch (error) {
      // Refused once, it is refused again; the next hold tries anew.
      if (/EROFS|EACCES|EPERM/.test(String(error))) this.#rest()
      this.#log.once('node', 'room', `the limit of unwritten memory stays: ${(error as Error).message}`)
    }
  }

  #rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  [Symbol.dispose](): void {
    this.#rest()
  }
}
