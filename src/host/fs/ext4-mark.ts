import type { Ext4Mark } from '../../model/ext4-mark.ts'

/** Where ext4 keeps its superblock, and the magic number in it (fs/ext4/ext4.h: struct ext4_super_block). */
const SUPERBLOCK = 1024
const MAGIC = 0xef53

/**
 * Reads an ext4 superblock.
 * @param head at least the first 2 KiB of the volume
 * @returns null if there is no ext4
 */
export function ext4Mark(head: Uint8Array): Ext4Mark | null {
  const block = Buffer.from(head).subarray(SUPERBLOCK)
  if (block.length < 1024 || block.readUInt16LE(0x38) !== MAGIC) return null
  return {
    uuid: block.subarray(0x68, 0x78).toString('hex'),
    mounts: block.readUInt16LE(0x34),
    // The high bytes were added later, in another place (s_mtime_hi, s_lastcheck_hi).
    mountedAt: block.readUInt32LE(0x2c) + block[0x275]! * 2 ** 32,
    checkedAt: block.readUInt32LE(0x40) + block[0x277]! * 2 ** 32,
  }
}

/**
 * Whether the superblock on the target shows a mount or a check that this node's kernel does not know of. A superblock on
 * the target that is older than the kernel's is this node's own: the newer one has not arrived yet.
 * @param own the superblock that this node's mount has in memory
 * @param theirs the superblock on the target; null if there is none
 */
export function isMountedSince(own: Ext4Mark, theirs: Ext4Mark | null): boolean {
  if (theirs === null || theirs.uuid !== own.uuid) return true
  return theirs.mounts > own.mounts || theirs.mountedAt > own.mountedAt || theirs.checkedAt > own.checkedAt
}
