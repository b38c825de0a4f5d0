/** Differences larger than any network delay mean that the node's clock was set. */
const CLOCK_STEP_MS = 5_000

/** The node's clock, which the page uses for all times, because the clock of this machine may be wrong. */
export class NodeClock {
  /** The node's time, and the monotonic time of this machine when it was received. */
  #last = { nodeMs: 0, atMs: performance.now() }

  /** Milliseconds since 1970, by the node's clock. */
  nowMs(): number {
    return this.#last.nodeMs + performance.now() - this.#last.atMs
  }

  /**
   * Takes a time that the node sent. It was right when it was sent, so the time that makes the clock latest had the
   * shortest delay. A time that is much earlier means that the node's clock was set back.
   */
  receive(nodeMs: number): void {
    const nowMs = this.nowMs()
    if (nodeMs > nowMs || nowMs - nodeMs > CLOCK_STEP_MS) this.#last = { nodeMs, atMs: performance.now() }
  }
}
