/** A stream of random numbers determined by its seed: mulberry32, which is good enough for histories. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** Undefined if there is nothing to choose from. */
  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.next() * from.length)]
  }

  weighted<T extends { readonly weight: number }>(from: readonly T[]): T | undefined {
    const total = from.reduce((sum, { weight }) => sum + weight, 0)
    let left = this.next() * total
    return from.find(({ weight }) => (left -= weight) < 0)
  }
}
