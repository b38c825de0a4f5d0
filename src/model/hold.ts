import { LunkeeperError } from './errors.ts'

/** How long I/O is held with no usable path before it fails: whole seconds, or forever. */
export type Hold = number | 'forever'

/** What holds the I/O; see ARCHITECTURE.md. */
export type HoldMode = 'map' | 'session' | 'multipathd'

/** Kubernetes starts a dead node's pods elsewhere after five minutes; they get as long again to start. */
export const DEFAULT_HOLD: Hold = 600

/** The kernel's timer counts jiffies in an int. A month is far below its limit and longer than any real use. */
export const MAX_HOLD_S = 31 * 24 * 3600
const UNIT = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds (`300`, `300s`), minutes (`10m`), hours, days, or `forever`. @throws BAD_HOLD */
export function parseHold(text: string): Hold {
  if (text === 'forever') return 'forever'
  const parts = /^(\d{1,9})([smhd]?)$/.exec(text)
  const seconds = parts ? Number(parts[1]) * UNIT[parts[2] as keyof typeof UNIT] : Number.NaN
  if (!(seconds <= MAX_HOLD_S)) throw new LunkeeperError('BAD_HOLD', `"${text}" is not a valid hold`)
  return seconds
}

/** The longer of two holds. */
export function longerHold(a: Hold, b: Hold): Hold {
  if (a === 'forever' || b === 'forever') return 'forever'
  return Math.max(a, b)
}
