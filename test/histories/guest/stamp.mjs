// A block of 4 KiB that says in each of its sectors which volume it was written to, where, and as which write.
export const BLOCK = 4096
export const SECTOR = 512
const LINE = 64

export function stamp(volume, sequence, block) {
  const line = `LKH1 ${volume} ${sequence} ${block} `.padEnd(LINE - 1, '.')
  return Buffer.alloc(BLOCK, `${line}\n`)
}

/** What a sector says: [volume, sequence, block]; null where it is not stamped. */
export function readStamp(buffer, offset) {
  if (buffer.toString('latin1', offset, offset + 5) !== 'LKH1 ') return null
  const [, volume, sequence, block] = buffer.toString('latin1', offset, offset + LINE).split(' ')
  return [volume, Number(sequence), Number(block)]
}

/** What the sectors of a block say, each thing once; `null` for a sector without a stamp. */
export function readBlock(buffer, offset) {
  const first = readStamp(buffer, offset)
  if (first && buffer.subarray(offset, offset + BLOCK).equals(stamp(...first))) return [first]
  const seen = new Map()
  for (let at = offset; at < offset + BLOCK; at += SECTOR) {
    const found = readStamp(buffer, at)
    seen.set(JSON.stringify(found), found)
  }
  return [...seen.values()]
}
