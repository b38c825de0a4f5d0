import { setTimeout as sleep } from 'node:timers/promises'

import type { Api } from '../api/client.ts'
import type { AttachmentVerdict } from './witness.ts'
import { askAttachment } from './witness.ts'

/** Between two questions to an API server that does not answer. All volumes that wait for it share them. */
const PROBE_INTERVAL_MS = 250
/** A lost packet is sent again after 1 s (TCP): a new connection is faster. */
const PROBE_DEADLINE_MS = 700
/** A question that takes longer is probably not going to be answered. */
const SLOW_MS = 500
/** A volume that waits for an answer asks every second: if none has asked for 10 s, none waits. */
const UNWANTED_MS = 10_000

interface Attachment {
  readonly name: string
  readonly uid: string
}

/**
 * Asks for the VolumeAttachments of all volumes, and tells when an API server that did not answer does so again: held volumes
 * need not wait for the end of their pause.
 */
export class AttachmentWitness implements Disposable {
  readonly #api: Api
  readonly #signal: AbortSignal
  readonly #back: () => void
  readonly #closed = new AbortController()
  /** What was asked last, and when; null unless the API server does not answer. */
  #unanswered: { readonly attachment: Attachment; readonly askedMs: number } | null = null
  /** Aborted when the API server answers again: questions that were sent before may be lost. */
  #untilBack = new AbortController()

  /** @param back called when the API server answers again */
  constructor(api: Api, signal: AbortSignal, back: () => void) {
    this.#api = api
    this.#signal = AbortSignal.any([signal, this.#closed.signal])
    this.#back = back
  }

  /** As {@link askAttachment}. */
  async ask(attachment: Attachment): Promise<AttachmentVerdict> {
    const late = setTimeout(() => this.#wait(attachment), SLOW_MS).unref()
    const back = this.#untilBack.signal
    const first = await askAttachment(this.#api, attachment, AbortSignal.any([this.#signal, back]))
    const isLost = first === 'unreachable' && back.aborted
    const verdict = isLost ? await askAttachment(this.#api, attachment, this.#signal) : first
    clearTimeout(late)
    if (verdict === 'unreachable') this.#wait(attachment)
    return verdict
  }

  #wait(attachment: Attachment): void {
    const isProbing = this.#unanswered !== null
    this.#unanswered = { attachment, askedMs: performance.now() }
    if (!isProbing) void this.#probe()
  }

  async #probe(): Promise<void> {
    for (;;) {
      await sleep(PROBE_INTERVAL_MS, undefined, { signal: this.#signal, ref: false }).catch(() => {})
      const { attachment, askedMs } = this.#unanswered!
      if (this.#signal.aborted || performance.now() - askedMs > UNWANTED_MS) break
      const deadline = AbortSignal.any([this.#signal, AbortSignal.timeout(PROBE_DEADLINE_MS)])
      if ((await askAttachment(this.#api, attachment, deadline)) === 'unreachable') continue
      this.#unanswered = null
      this.#untilBack.abort()
      this.#untilBack = new AbortController()
      return this.#back()
    }
    this.#unanswered = null
  }

  [Symbol.dispose](): void {
    this.#closed.abort()
  }
}
