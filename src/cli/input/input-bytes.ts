import type { Stats } from 'node:fs'
import { closeSync, fstatSync, openSync, read } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { formatBytes } from '../../model/bytes.ts'

/** The capacity of a pipe (pipe(7)). */
const CHUNK_BYTES = 64 << 10
/** When to read again from a pipe that is empty now. Short, because a user may be waiting. */
const READ_AGAIN_MS = 10

/** What a user named as input. */
export interface InputBytes {
  readonly bytes: Buffer
  readonly stat: Stats
}

/**
 * Reads a file, standard input (`-`) or an open descriptor (`/dev/fd/3`) to its end. An input without an end, such as
 * /dev/zero, must not fill the memory.
 * @throws Error it cannot be read, or is longer than `maxBytes`; `whyUnreadable` has the reason
 */
export async function readInput(source: string, maxBytes: number): Promise<InputBytes> {
  const descriptor = descriptorOf(source)
  const fd = descriptor ?? openSync(source, 'r')
  try {
    return { bytes: await readToEnd(fd, maxBytes), stat: fstatSync(fd) }
  } finally {
    if (descriptor === null) closeSync(fd)
  }
}

/** Null if the source is a path to be opened. A socket cannot be opened by its path in /dev/fd. */
function descriptorOf(source: string): number | null {
  if (source === '-' || source === '/dev/stdin') return 0
  const digits = /^(?:\/dev\/fd\/|\/proc\/self\/fd\/)(\d{1,6})$/.exec(source)?.[1]
  return digits === undefined ? null : Number(digits)
}

async function readToEnd(fd: number, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let length = 0; ;) {
    const chunk = await readChunk(fd)
    if (chunk.length === 0) return Buffer.concat(chunks)
    chunks.push(chunk)
    length += chunk.length
    if (length > maxBytes) throw new Error(`it is longer than ${formatBytes(maxBytes)}`)
  }
}

/**
 * Waits for data. Standard input, if it is a pipe, does not block: importing process as a module, as commander does, evaluates
 * `process.stdin`, which opens the pipe for Node's event loop. Other descriptors may have been inherited like that.
 */
async function readChunk(fd: number): Promise<Buffer> {
  for (;;) {
    try {
      return await readOnce(fd)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
    await sleep(READ_AGAIN_MS)
  }
}

function readOnce(fd: number): Promise<Buffer> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  return new Promise((resolve, reject) => {
    read(fd, buffer, 0, CHUNK_BYTES, null, (error, bytesRead) => {
      if (error) reject(error)
      else resolve(buffer.subarray(0, bytesRead))
    })
  })
}
