// Reads the targets' own files, beside LIO and never through it, and says what has changed since it last looked.
import { execFile } from 'node:child_process'
import fs from 'node:fs'

import { BLOCK, readBlock, readStamp, stamp } from './stamp.mjs'

/** Times of files on tmpfs are as coarse as the kernel's tick: a write this shortly before a look may hide in it. */
const TICK_MS = 50

/** A file is read in pieces of this size, into memory that is there already: a page that is touched for the first time is dear. */
const PIECE = 1 << 20
const piece = Buffer.alloc(PIECE)

/** By volume: what its file was like when it was last looked at. */
const known = new Map()
/** By volume: the memory for it, as large as it ever was. */
const memory = new Map()

function memoryOf(volume, bytes) {
  const had = memory.get(volume) ?? Buffer.alloc(0)
  if (had.length >= bytes) return had.subarray(0, bytes)
  const larger = Buffer.alloc(bytes)
  had.copy(larger)
  memory.set(volume, larger)
  return larger
}

// The clock may be stepped by a history: compared are file times with file times only, so a look soon after a
// change is told by the monotonic clock.
let lastChange = performance.now()
const isSure = () => performance.now() - lastChange > TICK_MS

/** Fills a part of a volume's file with stamps that no write has (sequence 0), or with zeros. */
function paint({ volume, file, kind, from, to }) {
  const fd = fs.openSync(file, fs.existsSync(file) ? 'r+' : 'w+')
  if (from === 0) fs.ftruncateSync(fd, 0)
  const bytes = memoryOf(volume, to)
  if (kind === 'raw') {
    for (let at = from; at < to; at += BLOCK) stamp(volume, 0, at / BLOCK).copy(bytes, at)
    fs.writeSync(fd, bytes, from, to - from, from)
  } else {
    bytes.fill(0, from)
    fs.ftruncateSync(fd, to)
  }
  fs.closeSync(fd)
  lastChange = performance.now()
  known.set(volume, { file, kind, bytes, mtimeMs: fs.statSync(file).mtimeMs, sure: false })
}

/** A stamp of another volume in any sector of a block of a file system; null for none. */
function foreignStamp(bytes, offset, volume) {
  for (let at = offset; at < offset + BLOCK; at += 512) {
    const found = readStamp(bytes, at)
    if (found && found[0] !== volume) return found
  }
  return null
}

/**
 * Takes over the blocks that have changed: [block, what its sectors say now]. Of a file system: those with a stamp that is
 * not its own, and how many in all.
 */
function changesOf(volume, { file, kind, bytes }) {
  const blocks = []
  let count = 0
  const fd = fs.openSync(file, 'r')
  for (let from = 0; from < bytes.length; from += PIECE) {
    const length = fs.readSync(fd, piece, 0, Math.min(PIECE, bytes.length - from), from)
    if (piece.compare(bytes, from, from + length, 0, length) === 0) continue
    for (let at = 0; at < length; at += BLOCK) {
      const offset = from + at
      if (piece.compare(bytes, offset, offset + BLOCK, at, at + BLOCK) === 0) continue
      piece.copy(bytes, offset, at, at + BLOCK)
      count++
      if (kind === 'raw') blocks.push([offset / BLOCK, readBlock(bytes, offset)])
      else {
        const foreign = foreignStamp(bytes, offset, volume)
        if (foreign) blocks.push([offset / BLOCK, [foreign]])
      }
    }
  }
  fs.closeSync(fd)
  return { volume, count, blocks }
}

function scan() {
  const changes = []
  for (const [volume, before] of known) {
    const { mtimeMs } = fs.statSync(before.file)
    if (before.sure && mtimeMs === before.mtimeMs) continue
    if (mtimeMs !== before.mtimeMs) lastChange = performance.now()
    const sure = isSure()
    const change = changesOf(volume, before)
    known.set(volume, { ...before, mtimeMs, sure })
    if (change.count > 0) changes.push(change)
  }
  return changes
}

const ran = (program, ...args) =>
  new Promise((resolve) =>
    execFile(program, args, { timeout: 60_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, output: (stdout + stderr).trim() }),
    ),
  )

/**
 * A copy of the volume's file as a file system: checked, its journal replayed, and what the blocks of a file say.
 * @returns null where the file changed while it was copied
 */
async function inspect({ volume, path, clean }) {
  const { file } = known.get(volume)
  const copy = `/dev/shm/inspect-${volume}`
  const before = fs.statSync(file).mtimeMs
  fs.copyFileSync(file, copy)
  if (fs.statSync(file).mtimeMs !== before) return null
  try {
    const check = await ran('e2fsck', clean ? '-fn' : '-fp', copy)
    fs.rmSync(`${copy}.out`, { force: true })
    const dump = await ran('debugfs', '-R', `dump ${path} ${copy}.out`, copy)
    const blocks = []
    if (fs.existsSync(`${copy}.out`)) {
      const bytes = fs.readFileSync(`${copy}.out`)
      for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
        if (bytes.subarray(at, at + BLOCK).every((byte) => byte === 0)) continue
        blocks.push([at / BLOCK, readBlock(bytes, at)])
      }
    }
    return { check, dump: dump.output, blocks }
  } finally {
    fs.rmSync(copy, { force: true })
    fs.rmSync(`${copy}.out`, { force: true })
  }
}

const text = (path) => {
  try {
    return fs.readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}

/** The disks of iSCSI sessions that the kernel has, by the session they belong to. */
function disks() {
  const root = '/sys/class/scsi_device'
  if (!fs.existsSync(root)) return []
  return fs.readdirSync(root).flatMap((hctl) => {
    try {
      const at = fs.realpathSync(`${root}/${hctl}`)
      const session = /\/(session\d+)\//.exec(at)?.[1]
      if (!session) return []
      const iqn = text(`/sys/class/iscsi_session/${session}/targetname`)
      const state = text(`/sys/class/iscsi_session/${session}/state`)
      const [name] = fs.existsSync(`${at}/device/block`) ? fs.readdirSync(`${at}/device/block`) : []
      return [{ hctl, session, iqn, state, lun: Number(hctl.split(':')[3]), name: name ?? null }]
    } catch {
      // Gone while it was looked at.
      return []
    }
  })
}

export const auditor = { paint, scan, inspect, disks }
