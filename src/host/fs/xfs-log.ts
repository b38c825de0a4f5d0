import type { VolumePart } from '../worker/protocol.ts'

/**
 * What an xfs log shows about who wrote it. Layouts: fs/xfs/libxfs/xfs_format.h (struct xfs_dsb) and xfs_log_format.h
 * (struct xlog_rec_header); all numbers are big-endian.
 */

const SUPERBLOCK_MAGIC = 0x58465342
const RECORD_MAGIC = 0xfeedbabe
/** Bytes of a basic block, in which positions in the log are counted. */
export const LOG_SECTOR = 512
const RECORD_UUID = 304

/** A position in the log (log sequence number). Later positions have a higher cycle or, in one cycle, a higher block. */
export interface Lsn {
  readonly cycle: number
  /** In sectors of 512 bytes from the start of the log. */
  readonly block: number
}

/** Where a file system has its log. `offset` is in bytes from the start of the volume. */
export interface XfsLog {
  readonly uuid: string
  readonly offset: number
  readonly bytes: number
}

/**
 * Reads an xfs superblock.
 * @param head the start of the volume
 * @returns null if there is no xfs, or its log is on another device
 */
export function xfsLog(head: Uint8Array): XfsLog | null {
  const block = Buffer.from(head)
  if (block.length < LOG_SECTOR || block.readUInt32BE(0) !== SUPERBLOCK_MAGIC) return null
  const blockBytes = block.readUInt32BE(4)
  const start = block.readBigUInt64BE(48)
  if (start === 0n) return null
  // A block number has the allocation group in its upper bits.
  const groupBits = BigInt(block[124]!)
  const group = start >> groupBits
  const within = start & ((1n << groupBits) - 1n)
  return {
    uuid: block.subarray(32, 48).toString('hex'),
    offset: Number(group * BigInt(block.readUInt32BE(84)) + within) * blockBytes,
    bytes: block.readUInt32BE(96) * blockBytes,
  }
}

/** Parses a position as sysfs shows it: `5:1184` (fs/xfs/xfs_sysfs.c). */
export function parseLsn(text: string | null): Lsn | null {
  const [, cycle, block] = /^(\d+):(\d+)\s*$/.exec(text ?? '') ?? []
  return cycle === undefined ? null : { cycle: Number(cycle), block: Number(block) }
}

/** Positive if `a` is later than `b`. */
export function compareLsn(a: Lsn, b: Lsn): number {
  return a.cycle - b.cycle || a.block - b.block
}

/** How much is read beyond this node's last record, where another node's records would continue. */
const AHEAD_BYTES = 64 << 10
/** The largest block size of a device. */
const ALIGNMENT = 4096

/**
 * The parts of a log, in bytes from its start, that would contain the records of another node that has written since this
 * node lost its target. That node would continue after the last record of this node that arrived, and all records that did
 * not arrive fit into this mount's log buffers.
 * @param buffers bytes of this mount's log buffers (logbufs times logbsize)
 */
export function partsAround(head: Lsn, { bytes }: XfsLog, buffers: number): VolumePart[] {
  const down = (value: number) => Math.floor(value / ALIGNMENT) * ALIGNMENT
  const length = Math.min(down(bytes), down(buffers + AHEAD_BYTES) + 2 * ALIGNMENT)
  const from = down((((head.block * LOG_SECTOR - buffers) % bytes) + bytes) % bytes)
  const first = Math.min(length, bytes - from)
  const parts = [
    { offset: from, length: first },
    { offset: 0, length: length - first },
  ]
  return parts.filter((part) => part.length > 0)
}

export interface LogRecord {
  readonly lsn: Lsn
  /** The oldest position that a recovery would have needed when this record was written. */
  readonly tail: Lsn
}

/**
 * The records that begin in a part of a log. No other sector starts with the magic number: in each sector of a record's
 * body the kernel replaces the first word with the cycle number.
 */
export function recordsIn(part: Uint8Array, uuid: string): LogRecord[] {
  const bytes = Buffer.from(part)
  const records: LogRecord[] = []
  for (let at = 0; at + LOG_SECTOR <= bytes.length; at += LOG_SECTOR) {
    if (bytes.readUInt32BE(at) !== RECORD_MAGIC) continue
    if (bytes.subarray(at + RECORD_UUID, at + RECORD_UUID + 16).toString('hex') !== uuid) continue
    const lsn = (offset: number): Lsn => ({
      cycle: bytes.readUInt32BE(at + offset),
      block: bytes.readUInt32BE(at + offset + 4),
    })
    records.push({ lsn: lsn(16), tail: lsn(24) })
  }
  return records
}

/**
 * Whether a log has a record that this node did not write: at or beyond the end of what this node has written (the other
 * node has written more), or with a tail later than this node's (the other node has written less, but its recovery moved the
 * tail to the end of the log).
 *
 * The very first record of another node cannot be distinguished from a record of this node that arrived unconfirmed.
 * @param own head and tail of the log in this node's kernel, read after the records
 */
export function hasForeignRecord(
  records: readonly LogRecord[],
  own: { readonly head: Lsn; readonly tail: Lsn },
): boolean {
  return records.some(({ lsn, tail }) => compareLsn(lsn, own.head) >= 0 || compareLsn(tail, own.tail) > 0)
}
