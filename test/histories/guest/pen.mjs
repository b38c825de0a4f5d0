// The programs that use the volumes: writes and reads blocks of a device or a file. Each call may wait for its
// target for as long as the hold lasts; it then keeps one thread of libuv (UV_THREADPOOL_SIZE), and nothing else.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

import { BLOCK, readBlock, stamp } from './stamp.mjs'

export const pen = {
  /** @returns 'synced' or 'written' */
  async write({ path, create, volume, block, sequence, sync }) {
    const file = await open(path, constants.O_WRONLY | (create ? constants.O_CREAT : 0), 0o644)
    try {
      await file.write(stamp(volume, sequence, block), 0, BLOCK, block * BLOCK)
      if (sync) await file.sync()
    } finally {
      await file.close()
    }
    return sync ? 'synced' : 'written'
  },
  /** @returns what the block says */
  async read({ path, block }) {
    const file = await open(path, constants.O_RDONLY)
    try {
      const buffer = Buffer.alloc(BLOCK)
      const { bytesRead } = await file.read(buffer, 0, BLOCK, block * BLOCK)
      return bytesRead === BLOCK ? readBlock(buffer, 0) : [null]
    } finally {
      await file.close()
    }
  },
}
