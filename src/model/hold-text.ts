import type { Hold } from './hold.ts'

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** 10m, 1h30m, forever: in the format of `--hold`, if a single unit is enough. */
export function formatHold(hold: Hold): string {
  if (hold === 'forever') return hold
  const parts: string[] = []
  let left = hold
  for (const [unit, size] of UNITS) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join('') || '0s'
}

/**
 * How long I/O is held, without a deadline. Either there is none, or the outage has just begun, or the kernel's
 * timer holds the I/O and no agent has recorded since when.
 */
export function limitText(hold: Hold): string {
  return hold === 'forever' ? 'without a limit' : `for up to ${formatHold(hold)}`
}
