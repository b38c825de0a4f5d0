import { eventReader } from '../event-reader.ts'
import type { ServerEvent } from '../event-reader.ts'

/** The agent sends the clock every 15 s: a connection that is silent for this long is dead. */
const SILENCE_TIMEOUT_MS = 40_000
const MIN_RETRY_DELAY_MS = 1_000
const MAX_RETRY_DELAY_MS = 15_000

export interface FollowerCallbacks {
  readonly onEvent: (event: ServerEvent) => void
  readonly onLive: () => void
  readonly onLost: (reason: string) => void
  /** The agent refuses this client. Another attempt needs another token. */
  readonly onRefused: (reason: string) => void
}

/**
 * Follows the node's events, and reconnects, until the signal is aborted or the agent refuses.
 * @param token null if there is none
 */
export async function follow(
  token: string | null,
  { onEvent, onLive, onLost, onRefused }: FollowerCallbacks,
  signal: AbortSignal,
): Promise<void> {
  for (
    let retryMs = MIN_RETRY_DELAY_MS;
    !signal.aborted;
    retryMs = Math.min(2 * retryMs, MAX_RETRY_DELAY_MS)
  ) {
    const attempt = new AbortController()
    let silence = setTimeout(() => attempt.abort(), SILENCE_TIMEOUT_MS)
    try {
      const response = await fetch('/api/v1/events', {
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([signal, attempt.signal]),
        cache: 'no-store',
      })
      if (response.status === 401 || response.status === 403 || response.status === 421)
        return onRefused(await reasonOf(response))
      if (!response.ok || !response.body) throw new Error(await reasonOf(response))
      onLive()
      const read = eventReader()
      const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await pieces.read()
        if (done) break
        clearTimeout(silence)
        silence = setTimeout(() => attempt.abort(), SILENCE_TIMEOUT_MS)
        for (const one of read(value)) onEvent(one)
        retryMs = MIN_RETRY_DELAY_MS
      }
      onLost('the agent ended the connection')
    } catch (error) {
      if (signal.aborted) return
      onLost(
        attempt.signal.aborted
          ? 'the agent is silent'
          : error instanceof Error
            ? error.message
            : String(error),
      )
    } finally {
      clearTimeout(silence)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

/** The agent's message and hint in an error answer. */
export async function reasonOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: { message?: unknown; hint?: unknown } }
    const { message, hint } = body.error ?? {}
    if (typeof message === 'string') return typeof hint === 'string' ? `${message}. ${hint}` : message
  } catch {
    // The answer does not come from the API.
  }
  return `HTTP ${response.status}`
}
