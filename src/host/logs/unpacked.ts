import { pipeline, Readable } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'

import { LunkeeperError } from '../../model/errors.ts'

/** Large enough that reading costs little compared with scanning, and small enough for many logs at once. */
const BLOCK = 128 << 10

/**
 * Detected by the first bytes of the file, not by its name: standard input has none. Node decompresses some formats,
 * the host's programs the others.
 */
const PACKERS = [
  { name: 'gzip', magic: Buffer.from('1f8b', 'hex'), open: () => createGunzip({ chunkSize: BLOCK }) },
  {
    name: 'zstd',
    magic: Buffer.from('28b52ffd', 'hex'),
    open: () => createZstdDecompress({ chunkSize: BLOCK }),
  },
  { name: 'xz', magic: Buffer.from('fd377a585a00', 'hex'), open: null },
  { name: 'bzip2', magic: Buffer.from('425a68', 'hex'), open: null },
] as const
const MAX_MAGIC = 8
/** The format of /var/log/journal: systemd's JOURNAL_FILE_FORMAT. */
const JOURNAL = Buffer.from('LPKSHHRH')

/**
 * The decompressed contents if logrotate compressed the file, else the contents as they are.
 * @throws LOG_UNREADABLE naming the compression, if it cannot be decompressed; an error of zlib
 */
export async function* unpacked(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const rest = bytes[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    first = Buffer.concat([first, next.value])
    if (first.length >= MAX_MAGIC) break
  }
  const all = concat(first, rest)
  if (first.subarray(0, JOURNAL.length).equals(JOURNAL))
    throw new Error('it is a binary journal: use journalctl --file FILE | lunkeeper explain -')
  const packer = PACKERS.find(({ magic }) => first.subarray(0, magic.length).equals(magic))
  if (!packer) yield* all
  else if (packer.open)
    yield* pipeline(
      Readable.from(copies(all), { objectMode: false }),
      packer.open(),
      () => {},
    ) as AsyncIterable<Buffer>
  else yield* byProgram(packer.name, all)
}

async function* byProgram(name: 'xz' | 'bzip2', all: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { filter } = await import('../exec/filter.ts')
  try {
    yield* filter(name, ['-dc'], copies(all))
  } catch (error) {
    if (!(error instanceof LunkeeperError)) throw error
    const missing = error.code === 'PROGRAM_MISSING'
    const why = missing
      ? `it is compressed, and ${error.message}`
      : `${name} could not decompress it (${error.message})`
    throw new LunkeeperError(
      'LOG_UNREADABLE',
      `${why}; on a machine that has ${name}: ${name} -dc FILE | lunkeeper explain -`,
      {
        ...(missing ? { hint: error.hint } : {}),
        cause: error,
      },
    )
  }
}

/** A stream requests the next block before it has used the last one. */
async function* copies(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) yield Buffer.from(block)
}

async function* concat(first: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first
  try {
    yield* { [Symbol.asyncIterator]: () => rest }
  } finally {
    await rest.return?.()
  }
}
