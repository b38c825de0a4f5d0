import { Refusal } from './refusal.ts'

const FIRST = 1_000
const LONGEST = 60_000

/**
 * How long to wait after so many failures, in milliseconds: twice as long each time, and not the same for all
 * nodes, which may have lost one API server in one moment. As long as the server asks for, if that is longer.
 * @param tries 1 after the first failure
 */
export function pauseAfter(tries: number, error: unknown, random = Math.random): number {
  const backOff = Math.min(LONGEST, FIRST * 2 ** (tries - 1)) * (0.75 + random() / 2)
  const asked = error instanceof Refusal ? (error.retryAfter ?? 0) : 0
  return Math.max(backOff, asked)
}
