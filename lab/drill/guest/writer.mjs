// Writes numbered blocks, one after the other, each synced before it counts, as a simple program would: after an
// error it opens its file again and keeps trying. One JSON line for each block and each error.
//   writer.mjs write FILE · writer.mjs check FILE COUNT
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'

const SIZE = 4096
const EVERY = 50
const AFTER_ERROR = 200
const [what, file, count] = process.argv.slice(2)

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Its number, then what no other block has. */
function block(n) {
  const bytes = randomBytes(SIZE)
  bytes.writeBigUInt64BE(BigInt(n))
  return bytes
}

/** With the volume unmounted, the same path is a file of the node's own disk: nothing may be written there. */
function open(device) {
  if (statSync(dirname(file)).dev !== device) throw Object.assign(new Error(), { code: 'NOT_MOUNTED' })
  const fd = openSync(file, constants.O_WRONLY | constants.O_CREAT, 0o644)
  if (fstatSync(fd).dev === device) return fd
  closeSync(fd)
  throw Object.assign(new Error(), { code: 'NOT_MOUNTED' })
}

async function write() {
  const device = statSync(dirname(file)).dev
  if (statSync(dirname(dirname(file))).dev === device) throw new Error(`nothing is mounted for ${file}`)
  let fd
  for (let n = 0; ;) {
    const started = Date.now()
    const bytes = block(n)
    try {
      fd ??= open(device)
      if (writeSync(fd, bytes, 0, SIZE, n * SIZE) !== SIZE)
        throw Object.assign(new Error(), { code: 'SHORT' })
      fsyncSync(fd)
      say({ n, at: Date.now(), ms: Date.now() - started, sum: crc32(bytes) })
      n++
      await pause(Math.max(0, started + EVERY - Date.now()))
    } catch (error) {
      say({ n, at: Date.now(), ms: Date.now() - started, error: error.code ?? error.message })
      try {
        if (fd !== undefined) closeSync(fd)
      } catch {
        // closing tells the same error again
      }
      fd = undefined
      await pause(AFTER_ERROR)
    }
  }
}

/** The checksum of each block as it is read now; null for one that cannot be read. */
function check() {
  const fd = openSync(file, 'r')
  const bytes = Buffer.alloc(SIZE)
  const sums = Array.from({ length: Number(count) }, (_, n) => {
    try {
      return readSync(fd, bytes, 0, SIZE, n * SIZE) === SIZE ? crc32(bytes) : null
    } catch {
      return null
    }
  })
  say(sums)
}

if (what === 'write') await write()
else check()
