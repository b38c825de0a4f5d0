import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from './file-error.ts'
import { kernelBuffer } from './kernel-buffer.ts'
import { unpacked } from './unpacked.ts'

/** Large enough that reading costs little beside looking, and small enough for many logs side by side. */
const BLOCK = 256 << 10

const OWN = '/dev/kmsg'

/**
 * The bytes of a log: a file's, standard input's (`-`), both also packed, or with null this machine's own kernel log. A
 * block is good until the next is asked for.
 * @throws NO_PERMISSION, LOG_UNREADABLE when it is opened or while it is read
 */
export async function* logSource(source: string | null, own = OWN): AsyncGenerator<Buffer> {
  try {
    // A reader of the device itself would wait for the next message without end.
    if (source === null || source === own) yield* kernelBuffer(own)
    else if (source === '-') yield* unpacked(process.stdin)
    else yield* unpacked(blocksOf(await open(source)))
  } catch (cause) {
    throw unreadable(source, own, cause)
  }
}

/** Into the same memory again and again: buffers that wait for the collector would add up to more than the log's story. */
async function* blocksOf(file: FileHandle): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(BLOCK)
  try {
    for (;;) {
      const { bytesRead } = await file.read(block, 0, BLOCK)
      if (bytesRead === 0) return
      yield block.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** Why a log could not be read, as an error with what else can be done. */
export function unreadable(source: string | null, own: string, cause: unknown): LunkeeperError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  const forbidden = code === 'EACCES' || code === 'EPERM'
  const what =
    source === null ? `The kernel log of this machine (${own})` : source === '-' ? 'Standard input' : source
  const why = forbidden
    ? 'it may not be read'
    : cause instanceof LunkeeperError
      ? cause.message
      : whyUnreadable(cause)
  return new LunkeeperError(
    forbidden ? 'NO_PERMISSION' : 'LOG_UNREADABLE',
    `${what} cannot be read: ${why}`,
    {
      cause,
      ...(source === null
        ? { hint: 'Run it as root, or give it a log: journalctl -k | lunkeeper explain -' }
        : forbidden
          ? { hint: 'Run it as root (sudo), or as a user who may read this log (group adm).' }
          : {}),
    },
  )
}
