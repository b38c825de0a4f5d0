import { setImmediate } from 'node:timers/promises'

import { monotonicMs } from '../host/clock.ts'

/** Node treats a longer timer delay as 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * The agent's timer queue: which key is due when. A time that passes while the agent does something else is not
 * lost, because a due key stays until it is taken.
 */
export class Scheduler {
  readonly #dueMs = new Map<string, number>()
  #wake: (() => void) | null = null
  #wakeMs = Infinity

  /** Schedules the key no later than that time. @param atMs on the monotonic clock; if it has passed: at once */
  by(key: string, atMs: number): void {
    const known = this.#dueMs.get(key) ?? Infinity
    if (atMs >= known) return
    this.#dueMs.set(key, atMs)
    if (atMs < this.#wakeMs) this.#wake?.()
  }

  now(key: string): void {
    this.by(key, 0)
  }

  forget(key: string): void {
    this.#dueMs.delete(key)
  }

  /** Takes the due keys with this prefix; each is returned once. */
  takeDue(nowMs: number, prefix = ''): ReadonlySet<string> {
    const due = new Set<string>()
    for (const [key, atMs] of this.#dueMs) if (atMs <= nowMs && key.startsWith(prefix)) due.add(key)
    for (const key of due) this.#dueMs.delete(key)
    return due
  }

  /** Waits until something is due. */
  async wait(signal: AbortSignal): Promise<void> {
    // Let other pending work of this process run in any case.
    await setImmediate()
    const nextMs = Math.min(...this.#dueMs.values())
    const left = Math.min(MAX_TIMER_MS, nextMs - monotonicMs())
    if (left <= 0 || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = () => resolve()
    this.#wake = wake
    this.#wakeMs = nextMs
    const timer = setTimeout(wake, left)
    signal.addEventListener('abort', wake, { once: true })
    await promise
    clearTimeout(timer)
    signal.removeEventListener('abort', wake)
    this.#wake = null
    this.#wakeMs = Infinity
  }
}
