import type { VolumePart } from '../worker/protocol.ts'

/**
 * What an xfs log tells of who wrote it. Layouts: fs/xfs/libxfs/xfs_format.h (struct xfs_dsb) and xfs_log_format.h
 * (struct xlog_rec_header); all numbers are big-endian.
 */

const SUPERBLOCK_MAGIC = 0x58465342
const RECORD_MAGIC = 0xfeedbabe
/** A basic block: what positions in the log count in. */
export const LOG_SECTOR = 512
const RECORD_UUID = 304

/** A position in the log: it only ever grows, by its cycle first. */
export interface Lsn {
  readonly cycle: number
  /** In sectors of 512 bytes from the start of the log. */
  readonly block: number
}

/** Where a file system has its log, in bytes from its start. */
export interface XfsLog {
  readonly uuid: string
  readonly offset: number
  readonly bytes: number
}

/** @param head the volume from its start; null where no xfs is there, or its log is on another device */
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

/** As sysfs shows it: `5:1184` (fs/xfs/xfs_sysfs.c). */
export function parseLsn(text: string | null): Lsn | null {
  const [, cycle, block] = /^(\d+):(\d+)\s*$/.exec(text ?? '') ?? []
  return cycle === undefined ? null : { cycle: Number(cycle), block: Number(block) }
}

/** Positive if `a` is later. */
export function compareLsn(a: Lsn, b: Lsn): number {
  return a.cycle - b.cycle || a.block - b.block
}

/** Beyond this node's own end, where another node's records would go on. */
const AHEAD_BYTES = 64 << 10
/** A device may have blocks of this size. */
const ALIGNMENT = 4096

/**
 * The parts of a log, in bytes from its start, that have the records that another node would have written since this node lost its target. That node
 * went on after the last record that arrived, and all that had not arrived of this node fits into its buffers.
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
  /** The oldest position that a recovery would have needed when the record was written. */
  readonly tail: Lsn
}

/**
 * The records that begin in a part of a log. No other sector begins like one: in each sector of a record's body the kernel
 * replaces the first word by the cycle number.
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
 * Whether a log has a record that this node did not write: one at or beyond the end of what this node has written, or one
 * whose tail is later than this node's. The first happens where the other node has written more; the second where it has
 * written less, since its recovery moved the tail to the end of the log.
 *
 * Another node's very first record cannot be told from one of this node's own that arrived unconfirmed.
 * @param own end and tail as this node's kernel has them, read after the records
 */
export function hasForeignRecord(
  records: readonly LogRecord[],
  own: { readonly head: Lsn; readonly tail: Lsn },
): boolean {
  return records.some(({ lsn, tail }) => compareLsn(lsn, own.head) >= 0 || compareLsn(tail, own.tail) > 0)
}
