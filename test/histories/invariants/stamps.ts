import { UNWRITTEN } from '../ledger.ts'
import type { Stamps } from '../world.ts'

/** The contents of a block of a volume before anything was written to it. */
export function unwritten(volume: string, block: number): Stamps {
  return [[volume, UNWRITTEN, block]]
}

/** The first stamp that is not one of these writes of the volume; undefined if all are. */
export function wrongStamp(
  stamps: Stamps,
  volume: string,
  allowed: readonly number[],
): Stamps[number] | undefined {
  return stamps.find((stamp) => stamp === null || stamp[0] !== volume || !allowed.includes(stamp[1]))
}
