import type { Host } from '../host/host.ts'
import { isAnyHolding } from '../state/records/hold-note.ts'
import { raiseDirtyLimit } from '../volumes/holding/dirty-limit.ts'
import type { AgentLog } from './log.ts'

/** A program that writes at the speed of memory fills the node's limit within a second. */
const INTERVAL_MS = 200

/**
 * Raises the node's dirty page limit while any volume is in an outage, so that programs can still write to other
 * volumes. It has a timer of its own, so that no other work of the agent delays it.
 */
export class DirtyLimitUpdater implements Disposable {
  readonly #host: Host
  readonly #log: AgentLog
  #timer: NodeJS.Timeout | undefined

  constructor(host: Host, log: AgentLog) {
    this.#host = host
    this.#log = log
  }

  /** Call this when a hold may have begun, or an earlier agent may have left one. */
  check(): void {
    if (this.#timer) return
    this.#timer = setInterval(() => this.#tend(), INTERVAL_MS)
    this.#tend()
  }

  #tend(): void {
    try {
      const done = raiseDirtyLimit(this.#host)
      if (done !== null) this.#log.say(null, done)
      if (!isAnyHolding(this.#host)) this.#rest()
    } catch (error) {
      // The kernel would refuse again: wait for the next hold.
      if (/EROFS|EACCES|EPERM/.test(String(error))) this.#rest()
      this.#log.once(
        'node',
        'dirty limit',
        `cannot raise the kernel's limit of dirty memory: ${(error as Error).message}`,
      )
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
