/** Where ext4 keeps its superblock, and the magic number in it (fs/ext4/ext4.h: struct ext4_super_block). */
const SUPERBLOCK = 1024
const MAGIC = 0xef53

/** What an ext4 superblock tells of mounts and checks. It is written at once at each mount that may write. */
export interface Ext4Mark {
  readonly uuid: string
  /** Mounts since the last check. */
  readonly mounts: number
  /** Of the last mount that may write, and of the last check: seconds since 1970. */
  readonly mountedAt: number
  readonly checkedAt: number
}

/** @param head the volume from its start, at least 2 KiB; null where no ext4 is there */
export function ext4Mark(head: Uint8Array): Ext4Mark | null {
  const block = Buffer.from(head).subarray(SUPERBLOCK)
  if (block.length < 1024 || block.readUInt16LE(0x38) !== MAGIC) return null
  return {
    uuid: block.subarray(0x68, 0x78).toString('hex'),
    mounts: block.readUInt16LE(0x34),
    // The high bytes came later, where there was room (s_mtime_hi, s_lastcheck_hi).
    mountedAt: block.readUInt32LE(0x2c) + block[0x275]! * 2 ** 32,
    checkedAt: block.readUInt32LE(0x40) + block[0x277]! * 2 ** 32,
  }
}

/**
 * Whether the target's superblock shows a mount or a check that the kernel's own does not know. An older one on the target
 * is this node's own that has not arrived yet.
 * @param own as this node's mount has it in memory
 * @param theirs as the target has it
 */
export function isMountedSince(own: Ext4Mark, theirs: Ext4Mark | null): boolean {
  if (theirs === null || theirs.uuid !== own.uuid) return true
  return theirs.mounts > own.mounts || theirs.mountedAt > own.mountedAt || theirs.checkedAt > own.checkedAt
}
