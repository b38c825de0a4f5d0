import { ApiError } from './api-error.ts'

const FIRST = 1_000
const LONGEST = 60_000

/**
 * Milliseconds to wait after a number of failures: doubled each time, and with jitter, because many nodes may have lost
 * one API server at the same moment. If the server asks for a longer pause, that is used.
 * @param tries 1 after the first failure
 */
export function retryDelay(tries: number, error: unknown, random = Math.random): number {
  const backOff = Math.min(LONGEST, FIRST * 2 ** (tries - 1)) * (0.75 + random() / 2)
  const asked = error instanceof ApiError ? (error.retryAfter ?? 0) : 0
  return Math.max(backOff, asked)
}
