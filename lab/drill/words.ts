import type { SideName } from './volumes.ts'

export const SIDES: Readonly<Record<SideName, string>> = { stock: 'Stock open-iscsi', lunkeeper: 'Lunkeeper' }
export const BOTH = ['stock', 'lunkeeper'] as const satisfies readonly SideName[]

/** `3 ms`, `1.2 s`, `25 s`. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 99_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

/** `0 bytes`, `920 KiB`, `12.4 MiB`. */
export function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`
  return count < 1 << 20 ? `${Math.round(count / 1024)} KiB` : `${(count / (1 << 20)).toFixed(1)} MiB`
}
