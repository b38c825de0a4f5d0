/** Limits a rate: allows a burst, and then one token per interval (milliseconds). */
export class TokenBucket {
  readonly #burst: number
  readonly #every: number
  #tokens: number
  #filled: number

  constructor(burst: number, every: number, now: number) {
    this.#burst = burst
    this.#every = every
    this.#tokens = burst
    this.#filled = now
  }

  /** Milliseconds until a token is available; 0 if one is available now. */
  wait(now: number): number {
    this.#fill(now)
    return this.#tokens >= 1 ? 0 : (1 - this.#tokens) * this.#every
  }

  take(now: number): void {
    this.#fill(now)
    this.#tokens -= 1
  }

  isFull(now: number): boolean {
    this.#fill(now)
    return this.#tokens >= this.#burst
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#filled) / this.#every)
    this.#filled = now
  }
}
