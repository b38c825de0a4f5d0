/**
 * Finds the first occurrence of any phrase at or after a position.
 * @returns where the compared part of the phrase starts, or -1
 */
export type PhraseSearch = (bytes: Uint8Array, from: number) => number

interface Phrase {
  readonly bytes: Uint8Array
  /** Offset of the part of the phrase that is searched for; the rest is compared afterwards. */
  readonly offset: number
}

/**
 * Searches for many phrases at once with the algorithm of Wu and Manber ("A fast algorithm for multi-pattern searching",
 * 1994), with blocks of two bytes: it examines one pair of bytes and skips as many bytes as that pair allows. It is faster
 * than a regular expression with as many alternatives, and needs no decoding.
 * @param phrases ASCII, of 8 characters or more: the longer the shortest phrase, the more bytes are skipped
 */
export function openPhraseSearch(phrases: readonly string[]): PhraseSearch {
  const width = Math.min(255, ...phrases.map((phrase) => phrase.length))
  const skips = new Uint8Array(1 << 16).fill(width - 1)
  const endings: Phrase[][] = Array.from({ length: 1 << 16 })
  for (const phrase of phrases) {
    const offset = rarestPart(phrase, width)
    const bytes = Uint8Array.from(phrase, (character) => character.charCodeAt(0))
    for (let end = 1; end < width; end++) {
      const pair = (bytes[offset + end - 1]! << 8) | bytes[offset + end]!
      skips[pair] = Math.min(skips[pair]!, width - 1 - end)
    }
    const last = (bytes[offset + width - 2]! << 8) | bytes[offset + width - 1]!
    endings[last] = [...(endings[last] ?? []), { bytes, offset }]
  }

  return (bytes, from) => {
    const length = bytes.length
    for (let at = from + width - 1; at < length;) {
      const pair = (bytes[at - 1]! << 8) | bytes[at]!
      const skip = skips[pair]!
      if (skip > 0) {
        at += skip
        continue
      }
      const start = at - width + 1
      if (isAnyAt(bytes, start, endings[pair]!)) return start
      at++
    }
    return -1
  }
}

function isAnyAt(bytes: Uint8Array, start: number, phrases: readonly Phrase[]): boolean {
  for (let index = 0; index < phrases.length; index++) {
    const phrase = phrases[index]!
    if (isAt(bytes, start - phrase.offset, phrase.bytes)) return true
  }
  return false
}

function isAt(bytes: Uint8Array, start: number, phrase: Uint8Array): boolean {
  if (start < 0 || start + phrase.length > bytes.length) return false
  for (let index = 0; index < phrase.length; index++) if (bytes[start + index] !== phrase[index]) return false
  return true
}

/** Characters by their frequency in logs, the most frequent first. */
const FREQUENT = ' 0123456789etaoinsrdlc'

/**
 * Offset of the part of a phrase whose pairs of bytes are rarest: each pair that occurs in the log costs a comparison
 * or a shorter skip.
 */
function rarestPart(phrase: string, width: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let offset = 0; offset + width <= phrase.length; offset++) {
    let cost = 0
    for (let end = 1; end < width; end++)
      cost += (weight(phrase[offset + end - 1]!) * weight(phrase[offset + end]!)) / (width - end)
    if (cost < least) {
      least = cost
      best = offset
    }
  }
  return best
}

function weight(character: string): number {
  const rank = FREQUENT.indexOf(character)
  return rank === -1 ? 0.3 : 1 + (FREQUENT.length - rank) / FREQUENT.length
}
