import { ApiError } from './api-error.ts'

const FIRST_DELAY_MS = 1_000
const MAX_DELAY_MS = 60_000

/** Many nodes may have lost the same API server at the same time: each waits a little less, or a little longer. */
export function jittered(ms: number, random = Math.random): number {
  return ms * (0.75 + random() / 2)
}

/**
 * Milliseconds to wait before a retry: doubled after each failure, {@link jittered}. If the server asks for a
 * longer pause, that pause is used.
 * @param tries number of failures so far
 */
export function retryDelay(tries: number, error: unknown, random = Math.random): number {
  const backOff = jittered(Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (tries - 1)), random)
  const asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0
  return Math.max(backOff, asked)
}
