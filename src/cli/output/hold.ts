import type { VolumeStatus } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { formatUnwritten } from '../../model/bytes.ts'

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** 10m, 1h30m, forever: in the format of `--hold`, if it is one unit. */
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

/** Held data in memory, as far as it is known. */
export function formatWaiting({ waiting }: VolumeStatus['hold']): string {
  if (waiting === null) return '-'
  return formatUnwritten(waiting)
}

/** Whether I/O would fail earlier than requested. */
export function isShort({ wanted, effective }: VolumeStatus['hold']): boolean {
  if (effective === 'forever') return false
  return wanted === 'forever' || effective < wanted
}
