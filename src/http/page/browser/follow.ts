import { eventReader } from '../event-reader.ts'
import type { ServerEvent } from '../event-reader.ts'

/** The clock comes every 15 s: without anything for this long the connection is dead. */
const SILENCE_MS = 40_000
const RETRY_MS = 1_000
const LONGEST_RETRY_MS = 15_000

export interface Follower {
  readonly event: (event: ServerEvent) => void
  readonly live: () => void
  readonly lost: (reason: string) => void
  /** It makes no sense to try again without another token. */
  readonly refused: (reason: string) => void
}

/** Follows the node's events, again and again, until the signal is aborted. @param token null for none */
export async function follow(
  token: string | null,
  { event, live, lost, refused }: Follower,
  signal: AbortSignal,
): Promise<void> {
  for (let retryMs = RETRY_MS; !signal.aborted; retryMs = Math.min(2 * retryMs, LONGEST_RETRY_MS)) {
    const turn = new AbortController()
    let silence = setTimeout(() => turn.abort(), SILENCE_MS)
    try {
      const response = await fetch('/api/v1/events', {
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        signal: AbortSignal.any([signal, turn.signal]),
        cache: 'no-store',
      })
      if (response.status === 401 || response.status === 403 || response.status === 421)
        return refused(await reasonOf(response))
      if (!response.ok || !response.body) throw new Error(await reasonOf(response))
      live()
      const read = eventReader()
      const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await pieces.read()
        if (done) break
        clearTimeout(silence)
        silence = setTimeout(() => turn.abort(), SILENCE_MS)
        for (const one of read(value)) event(one)
        retryMs = RETRY_MS
      }
      lost('the agent ended the connection')
    } catch (error) {
      if (signal.aborted) return
      lost(
        turn.signal.aborted ? 'the agent is silent' : error instanceof Error ? error.message : String(error),
      )
    } finally {
      clearTimeout(silence)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

/** What the agent says about an error. */
export async function reasonOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { error?: { message?: unknown; hint?: unknown } }
    const { message, hint } = body.error ?? {}
    if (typeof message === 'string') return typeof hint === 'string' ? `${message}. ${hint}` : message
  } catch {
    // Not an answer of the API.
  }
  return `HTTP ${response.status}`
}
