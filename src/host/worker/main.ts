// The worker: a disposable process for calls that can block in the kernel. It makes one call at a time on its
// main thread, so that only it is stuck; its parent abandons it at the deadline. It ends when its parent does.
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { makeDirectories } from '../fs/make-directories.ts'
import { deviceFiles } from './device-files.ts'
import type { Request, Verb, Verbs } from './protocol.ts'
import { STARTED } from './protocol.ts'
import { persist } from './reservation.ts'
import { inquire, readVolume, vital } from './scsi.ts'
import { firstUntrusted } from './trust.ts'

/** Data that a program has written to the raw device is very unlikely to be missed by all of these. */
const SAMPLES = 64
const SAMPLE_BYTES = 4096

/** node:fs does not define it. Only the directory flag in it differs between architectures (asm-generic/fcntl.h). */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY

const claims = new Map<string, number>()

const verbs: { [V in Verb]: (args: Verbs[V]['args']) => Verbs[V]['result'] } = {
  write({ path, text }) {
    const fd = openSync(path, constants.O_WRONLY)
    try {
      writeSync(fd, text)
    } finally {
      closeSync(fd)
    }
    return null
  },

  claim({ path }) {
    try {
      claims.set(path, openSync(path, constants.O_RDONLY | constants.O_EXCL))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false
      throw error
    }
  },

  flush({ path }) {
    const fd = claims.get(path)
    if (fd === undefined) throw new Error(`${path} is not claimed`)
    // fsync, not BLKFLSBUF: the latter reports success even if writeback failed (block/ioctl.c).
    fsyncSync(fd)
    return null
  },

  release({ path }) {
    const fd = claims.get(path)
    claims.delete(path)
    if (fd !== undefined) closeSync(fd)
    return null
  },

  readVolume: ({ path, parts }) => readVolume(path, parts),
  inquire: ({ path, reservations = false }) => inquire(path, reservations),

  persist: ({ path, commands }) => persist(path, commands),

  readBlock({ path, offset, length }) {
    const fd = openSync(path, constants.O_RDONLY)
    try {
      const buffer = Buffer.alloc(length)
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset))
    } finally {
      closeSync(fd)
    }
  },

  vital: ({ disks }) => disks.map(vital),

  zeros({ path, bytes, size }) {
    // A device that nothing has open has no page cache, so this reads from the target.
    const fd = openSync(path, constants.O_RDONLY)
    try {
      const length = Math.min(bytes, size)
      const last = Math.max(0, size - length)
      const samples = Array.from({ length: SAMPLES }, (_, n) => Math.floor((last * (n + 1)) / (SAMPLES + 1)))
      return (
        isZero(fd, 0, length) &&
        isZero(fd, last, length) &&
        samples.every((offset) => isZero(fd, offset - (offset % SAMPLE_BYTES), Math.min(SAMPLE_BYTES, size)))
      )
    } finally {
      closeSync(fd)
    }
  },

  resolve({ path }) {
    let [existing, rest] = [path, '']
    while (!lstatSync(existing, { throwIfNoEntry: false })) {
      rest = join(basename(existing), rest)
      existing = dirname(existing)
    }
    return join(realpathSync(existing), rest).replace(/(.)\/$/, '$1')
  },

  missingDirectories: ({ path }) => missingDirectories(path),

  firstUntrusted: ({ path }) => firstUntrusted(path),

  makeDirectory({ path, trusted = false }) {
    if (trusted) makeTrusted(path)
    else makeDirectories(path, 0o755)
    return { link: lstatSync(path).isSymbolicLink(), empty: readdirSync(path).length === 0 }
  },

  listDirectory: ({ path }) => readdirSync(path),

  deviceFiles: ({ path, devices, nodes }) => deviceFiles(path, devices, nodes),

  testWrite({ path }) {
    closeSync(openSync(path, constants.O_WRONLY | O_TMPFILE, 0o600))
    return null
  },

  syncDevice({ path }) {
    const fd = openSync(path, constants.O_RDONLY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    return null
  },

  makeFile({ path }) {
    makeDirectories(dirname(path), 0o755)
    try {
      closeSync(openSync(path, 'wx', 0o600))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return isEmptyFile(path)
    }
  },

  removeFile({ path }) {
    if (!lstatSync(path, { throwIfNoEntry: false })) return true
    if (!isEmptyFile(path)) return false
    unlinkSync(path)
    return true
  },

  statfs({ path }) {
    const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(path)
    return {
      bytes: { total: blocks * bsize, used: (blocks - bfree) * bsize, free: bavail * bsize },
      files: { total: files, used: files - ffree, free: ffree },
    }
  },

  removeDirectory({ path }) {
    try {
      rmdirSync(path)
      return true
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'ENOENT') return true
      // EEXIST: some file systems return it instead of ENOTEMPTY (rmdir(2)).
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false
      throw error
    }
  },
}

/** Creates the directories one after the other, so that a link that a user creates meanwhile is not followed. */
function makeTrusted(path: string): void {
  refuseUntrusted(path)
  for (const at of missingDirectories(path)) mkdirSync(at, { mode: 0o755 })
  // Permissions and links may have changed since the first check.
  refuseUntrusted(path)
  if (realpathSync(path) !== path)
    throw Object.assign(new Error(`a part of ${path} is a link`), { code: 'ELOOP' })
}

function refuseUntrusted(path: string): void {
  const found = firstUntrusted(path)
  if (found) throw Object.assign(new Error(`others can change ${found.directory}`), { code: 'EPERM' })
}

/** Outermost first. */
function missingDirectories(path: string): string[] {
  const missing: string[] = []
  for (let at = path; !lstatSync(at, { throwIfNoEntry: false }); at = dirname(at)) missing.unshift(at)
  return missing
}

function isEmptyFile(path: string): boolean {
  const found = lstatSync(path)
  return found.isFile() && found.size === 0
}

function isZero(fd: number, offset: number, length: number): boolean {
  const buffer = Buffer.alloc(length)
  for (let done = 0; done < length;) {
    const got = readSync(fd, buffer, done, length - done, offset + done)
    if (got === 0) throw Object.assign(new Error('The device ended early'), { code: 'EIO' })
    done += got
  }
  return buffer.every((byte) => byte === 0)
}

process.on('message', (request: Request) => {
  try {
    const perform = verbs[request.verb] as (args: unknown) => unknown
    process.send!({ id: request.id, result: perform(request.args) })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    process.send!({ id: request.id, error: { errno: code ?? 'EUNKNOWN', message } })
  }
})
process.on('disconnect', () => process.exit(0))
// The parent handles Ctrl-C at the terminal.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.send!({ id: STARTED })
