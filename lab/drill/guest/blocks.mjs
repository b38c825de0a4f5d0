// Remembers the checksum of each block of a volume's file, and counts later which of them have changed. On the storage
// machine: what reached the volume, from any node.
//   blocks.mjs sum FILE SUMS · blocks.mjs changed FILE SUMS
import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'

const BLOCK = 4096
const CHUNK = 256 * BLOCK
const [what, file, sums] = process.argv.slice(2)

function sumsOf() {
  const fd = openSync(file, 'r')
  const { size } = fstatSync(fd)
  const found = new Uint32Array(Math.ceil(size / BLOCK))
  const bytes = Buffer.alloc(CHUNK)
  for (let at = 0; at < size; at += CHUNK) {
    const read = readSync(fd, bytes, 0, CHUNK, at)
    for (let offset = 0; offset < read; offset += BLOCK)
      found[(at + offset) / BLOCK] = crc32(bytes.subarray(offset, Math.min(offset + BLOCK, read)))
  }
  closeSync(fd)
  return found
}

const now = sumsOf()
if (what === 'sum') writeFileSync(sums, Buffer.from(now.buffer))
else {
  const bytes = readFileSync(sums)
  const before = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
  process.stdout.write(`${now.reduce((count, sum, index) => count + (sum === before[index] ? 0 : 1), 0)}\n`)
}
