import type { Happening } from './history.ts'

/** How many outages of a volume in an hour are kept individually. With more, the volume flaps, and a count says more. */
export const OUTAGES_PER_HOUR = 30
const HOUR_MS = 3_600_000

type Bundle = Extract<Happening, { event: 'outages' }>

const NOTHING: Bundle = { event: 'outages', count: 0, failed: 0, seconds: 0, longest: 0 }

/**
 * Keeps a flapping volume from pushing everything else out of the history: its outages above a number per hour are
 * counted and reported in one event. User actions and the end of a hold are always kept. One throttle for each
 * volume.
 */
export class HistoryThrottle {
  #fromMs = Number.NEGATIVE_INFINITY
  #count = 0
  /** The start of the present outage was not kept, so its end is not kept either. */
  #isSkipping = false
  #bundle = NOTHING

  /** @param nowMs monotonic @returns what must be recorded now */
  pass(happening: Happening, nowMs: number): Happening[] {
    const { event } = happening
    if (event !== 'outage-began' && event !== 'outage-ended') return [happening]
    if (event === 'outage-ended' && this.#isSkipping) {
      this.#isSkipping = false
      this.#take(happening)
      return []
    }
    const told = nowMs - this.#fromMs >= HOUR_MS ? this.drain() : []
    if (event === 'outage-ended') return [...told, happening]
    if (nowMs - this.#fromMs >= HOUR_MS) {
      this.#fromMs = nowMs
      this.#count = 0
    }
    this.#isSkipping = ++this.#count > OUTAGES_PER_HOUR
    return this.#isSkipping ? told : [...told, happening]
  }

  #take({ seconds, io }: Extract<Happening, { event: 'outage-ended' }>): void {
    const { count, failed, seconds: total, longest } = this.#bundle
    this.#bundle = {
      event: 'outages',
      count: count + 1,
      failed: failed + (io === 'failed' ? 1 : 0),
      seconds: Math.round((total + seconds) * 10) / 10,
      longest: Math.max(longest, seconds),
    }
  }

  /** What has been counted but not reported yet. */
  drain(): Happening[] {
    const bundle = this.#bundle
    this.#bundle = NOTHING
    return bundle.count === 0 ? [] : [bundle]
  }
}
