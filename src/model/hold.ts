import { LunkeeperError } from './errors.ts'

/** How long I/O is held with no usable path before it fails: whole seconds, or forever. */
export type Hold = number | 'forever'

/** What holds the I/O; see docs/holds.md. */
export type HoldMode = 'map' | 'session' | 'multipathd'

/** Kubernetes evicts a dead node's pods after about six minutes; a storage machine among them has four more to start. */
export const DEFAULT_HOLD: Hold = 600

/** The kernel's timer counts jiffies in an int. A month is far below its limit and longer than any real use. */
export const MAX_HOLD_S = 31 * 24 * 3600
/** In the order in which formatHold prints them. */
const UNIT_SECONDS = [86_400, 3600, 60, 1]
const DURATION = /^(?=\d)(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/

/** Seconds (`300`, `300s`), minutes (`10m`), hours, days, their sum (`1h30m`), or `forever`. @throws BAD_HOLD */
export function parseHold(text: string): Hold {
  return text === 'forever' ? text : parseDuration(text, 'hold', 'Examples: 300s, 10m, 1h30m, forever.')
}

/**
 * Like {@link parseHold}, for a duration with an end.
 * @param what the noun for messages
 * @returns seconds
 * @throws BAD_HOLD
 */
export function parseDuration(text: string, what: string, hint: string): number {
  const parts = DURATION.exec(/^\d+$/.test(text) ? `${text}s` : text)
  if (!parts) throw new LunkeeperError('BAD_HOLD', `"${text}" is not a valid ${what}`, { hint })
  const seconds = UNIT_SECONDS.reduce((sum, unit, at) => sum + unit * Number(parts[at + 1] ?? 0), 0)
  if (seconds <= MAX_HOLD_S) return seconds
  throw new LunkeeperError('BAD_HOLD', `"${text}" is longer than the longest ${what}, 31 days`, { hint })
}

/** The longer of two holds. */
export function longerHold(a: Hold, b: Hold): Hold {
  if (a === 'forever' || b === 'forever') return 'forever'
  return Math.max(a, b)
}
