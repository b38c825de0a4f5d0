import { setTimeout as sleep } from 'node:timers/promises'

import type { Api } from '../api/client.ts'
import { jittered } from '../api/retry-delay.ts'
import type { AttachmentAnswer, AskedAttachment, AttachmentVerdict } from './witness.ts'
import { askAttachment } from './witness.ts'

/** Between two questions to an API server that does not answer. All waiting volumes share these questions. */
const PROBE_INTERVAL_MS = 250
/** The same, once the server has been away for a while: hundreds of nodes may be asking. */
const LONG_PROBE_INTERVAL_MS = 600
const AWAY_FOR_LONG_MS = 10_000
/** After an answer that does not help (no permission, a page of a proxy): the server is up. */
const REFUSED_INTERVAL_MS = 5_000
const MAX_PAUSE_MS = 30_000
/** TCP retransmits a lost packet only after 1 s: a new connection is faster. */
const PROBE_DEADLINE_MS = 700
/** A question that takes longer than this will probably not be answered. */
const SLOW_MS = 500
/** A volume that waits for an answer asks every second: if none has asked for 10 s, none is waiting. */
const UNWANTED_MS = 10_000

/**
 * Asks for the VolumeAttachments of all volumes, and reports when an API server that did not answer does so again:
 * held volumes then need not wait for the end of their pause.
 */
export class AttachmentWitness implements Disposable {
  readonly #api: Api
  readonly #probeApi: Api
  readonly #signal: AbortSignal
  readonly #back: () => void
  readonly #closed = new AbortController()
  /** What was asked last, and when; null unless the API server does not answer. */
  #unanswered: { readonly ref: AskedAttachment; readonly askedMs: number } | null = null
  #isProbing = false
  /** Aborted when the API server answers again: earlier questions may have been lost. */
  #untilBack = new AbortController()

  /**
   * @param probeApi a client with connections of its own: those of `api` may all wait for an answer
   * @param back called when the API server answers again
   */
  constructor(api: Api, probeApi: Api, signal: AbortSignal, back: () => void) {
    this.#api = api
    this.#probeApi = probeApi
    this.#signal = AbortSignal.any([signal, this.#closed.signal])
    this.#back = back
  }

  /** Like {@link askAttachment}. */
  async ask(ref: AskedAttachment): Promise<AttachmentVerdict> {
    const late = setTimeout(() => this.#wait(ref), SLOW_MS).unref()
    const back = this.#untilBack.signal
    const first = await askAttachment(this.#api, ref, AbortSignal.any([this.#signal, back]))
    const isLost = first.verdict === 'unreachable' && back.aborted
    const { verdict } = isLost ? await askAttachment(this.#api, ref, this.#signal) : first
    clearTimeout(late)
    if (verdict === 'unreachable') this.#wait(ref)
    else this.#answered()
    return verdict
  }

  #wait(ref: AskedAttachment): void {
    this.#unanswered = { ref, askedMs: performance.now() }
    if (!this.#isProbing) void this.#probe()
  }

  #answered(): void {
    if (this.#unanswered === null) return
    this.#unanswered = null
    this.#untilBack.abort()
    this.#untilBack = new AbortController()
    this.#back()
  }

  async #probe(): Promise<void> {
    this.#isProbing = true
    const sinceMs = performance.now()
    for (let last: AttachmentAnswer | null = null; ;) {
      const pauseMs = pauseAfter(last, performance.now() - sinceMs)
      await sleep(pauseMs, undefined, { signal: this.#signal, ref: false }).catch(() => {})
      if (this.#signal.aborted || this.#unanswered === null) break
      const { ref, askedMs } = this.#unanswered
      if (performance.now() - askedMs > Math.max(UNWANTED_MS, pauseMs)) break
      const deadline = AbortSignal.any([this.#signal, AbortSignal.timeout(PROBE_DEADLINE_MS)])
      last = await askAttachment(this.#probeApi, ref, deadline)
      if (last.verdict !== 'unreachable') this.#answered()
    }
    this.#unanswered = null
    this.#isProbing = false
  }

  [Symbol.dispose](): void {
    this.#closed.abort()
  }
}

function pauseAfter(last: AttachmentAnswer | null, awayMs: number): number {
  const isRefused = last !== null && last.status !== null && last.status < 500
  const usualMs = awayMs > AWAY_FOR_LONG_MS ? LONG_PROBE_INTERVAL_MS : PROBE_INTERVAL_MS
  return jittered(Math.min(MAX_PAUSE_MS, last?.retryAfter ?? (isRefused ? REFUSED_INTERVAL_MS : usualMs)))
}
