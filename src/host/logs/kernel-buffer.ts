import { closeSync, constants, openSync, readSync } from 'node:fs'

/** A record is at most PRINTK_MESSAGE_MAX (2 KiB) plus its dictionary; a smaller buffer gives EINVAL. */
const MAX_RECORD_BYTES = 8 << 10
const BLOCK = 64 << 10

/** All records currently in the kernel's buffer (Documentation/ABI/testing/dev-kmsg), without later ones. */
export function* kernelBuffer(path: string): Generator<Buffer> {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const block = Buffer.alloc(BLOCK)
    let length = 0
    for (;;) {
      const count = nextRecord(fd, block, length)
      if (count > 0) length += count
      if (count === 0 || length + MAX_RECORD_BYTES > BLOCK) {
        // A copy, because the block is reused.
        yield Buffer.from(block.subarray(0, length))
        length = 0
      }
      if (count === 0) return
    }
  } finally {
    closeSync(fd)
  }
}

/** @returns number of bytes; 0 at the end */
function nextRecord(fd: number, block: Buffer, at: number): number {
  for (;;) {
    try {
      return readSync(fd, block, at, MAX_RECORD_BYTES, null)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : ''
      if (code === 'EAGAIN') return 0
      // The record was overwritten in the meantime; the next read returns the oldest remaining one.
      if (code !== 'EPIPE') throw error
    }
  }
}
