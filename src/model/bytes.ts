const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/**
 * Data that programs have written and that is not on a disk yet. `of: 'node'`: an upper bound, as only the node's
 * total is known.
 */
export interface DirtyData {
  readonly bytes: number
  readonly of: 'volume' | 'node'
}

/** 10 MiB; up to 10 MiB. */
export function formatDirtyData({ bytes, of }: DirtyData): string {
  return `${of === 'node' ? 'up to ' : ''}${formatBytes(bytes)}`
}

/** 64 MiB, 1.5 TiB: binary units, as the kernel counts disk sizes. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  // Truncated, not rounded: a volume is never shown larger than it is.
  const short = value >= 100 ? Math.floor(value) : Math.floor(value * 10) / 10
  return `${short} ${UNITS[unit]}`
}
