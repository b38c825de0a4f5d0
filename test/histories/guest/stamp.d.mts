/** Bytes of a block. */
export const BLOCK: number
export function stamp(volume: string, sequence: number, block: number): Buffer
export function readBlock(
  buffer: Buffer,
  offset: number,
): (readonly [volume: string, sequence: number, block: number] | null)[]
/** What a sector says; null where it is not stamped. */
export function readStamp(
  buffer: Buffer,
  offset: number,
): readonly [volume: string, sequence: number, block: number] | null
export const SECTOR: number
