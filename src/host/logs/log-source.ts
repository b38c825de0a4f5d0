import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'

import { LunkeeperError } from '../../model/errors.ts'
import { whyUnreadable } from '../../model/file-error.ts'
import { kernelBuffer } from './kernel-buffer.ts'
import { unpacked } from './unpacked.ts'

/** Large enough that reading costs little compared with scanning, and small enough for many logs at once. */
const BLOCK = 256 << 10

const OWN = '/dev/kmsg'

/**
 * The bytes of a log: of a file or of standard input (`-`), both possibly compressed, or with null of this machine's
 * kernel log. A block is valid until the next one is requested.
 * @throws NO_PERMISSION, LOG_UNREADABLE on opening or while reading
 */
export async function* logSource(source: string | null, own = OWN): AsyncGenerator<Buffer> {
  try {
    // Reading the device itself would block for the next message without a limit.
    if (source === null || source === own) yield* kernelBuffer(own)
    else if (source === '-') yield* unpacked(process.stdin)
    else yield* unpacked(blocksOf(await open(source)))
  } catch (cause) {
    throw unreadable(source, own, cause)
  }
}

/** The same memory is reused: buffers waiting for the garbage collector would outgrow the log's own data. */
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

/** Why a log could not be read, as an error with an alternative. */
export function unreadable(source: string | null, own: string, cause: unknown): LunkeeperError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  const forbidden = code === 'EACCES' || code === 'EPERM'
  const what =
    source === null ? `The kernel log of this machine (${own})` : source === '-' ? 'Standard input' : source
  const why = forbidden
    ? 'permission denied'
    : cause instanceof LunkeeperError
      ? cause.message
      : whyUnreadable(cause)
  return new LunkeeperError(
    forbidden ? 'NO_PERMISSION' : 'LOG_UNREADABLE',
    `${what} cannot be read: ${why}`,
    {
      cause,
      ...(source === null
        ? {
            hint:
              process.platform === 'linux'
                ? 'Run it as root, or give it a log: journalctl -k | lunkeeper explain -'
                : 'Only Linux has one. Give it a log of a Linux machine: lunkeeper explain FILE',
          }
        : forbidden
          ? { hint: 'Run it as root (sudo), or as a user who may read this log (group adm).' }
          : {}),
    },
  )
}
