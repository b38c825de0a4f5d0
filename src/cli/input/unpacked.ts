import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

/** By what a file begins with, not by its name: standard input has none. */
const PACKERS = [
  { name: 'gzip', magic: Buffer.from('1f8b', 'hex'), open: createGunzip },
  { name: 'zstd', magic: Buffer.from('28b52ffd', 'hex'), open: createZstdDecompress },
  { name: 'xz', magic: Buffer.from('fd377a585a00', 'hex'), open: null },
  { name: 'bzip2', magic: Buffer.from('425a68', 'hex'), open: null },
]
const LONGEST_MAGIC = 6

/** What logrotate packed, unpacked; anything else as it is. @throws what it is packed with, where Node cannot unpack that */
export async function* unpacked(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const rest = bytes[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    first = Buffer.concat([first, next.value])
    if (first.length >= LONGEST_MAGIC) break
  }
  const packer = PACKERS.find(({ magic }) => first.subarray(0, magic.length).equals(magic))
  const all = concat(first, rest)
  if (!packer) {
    yield* all
    return
  }
  if (!packer.open) throw new Error(`it is packed; ${packer.name} -dc FILE | lunkeeper explain - reads it`)
  yield* pipeline(Readable.from(all, { objectMode: false }), packer.open(), () => {}) as AsyncIterable<Buffer>
}

async function* concat(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* { [Symbol.asyncIterator]: () => rest }
}
