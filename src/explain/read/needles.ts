/** Finds the first of many byte strings. @returns its position, or -1 */
export type Finder = (bytes: Uint8Array, from: number) => number

interface Needle {
  readonly bytes: Uint8Array
  /** Offset of the part that is searched for first. */
  readonly offset: number
}

/**
 * Search after Wu and Manber ("A fast algorithm for multi-pattern searching", 1994) with blocks of two bytes: it
 * examines one pair in several and skips as far as the pair allows. Faster than a regular expression with as many
 * words, and nothing is decoded.
 * @param words ASCII, of 8 characters or more: the longer the shortest word, the further it skips
 */
export function openFinder(words: readonly string[]): Finder {
  const width = Math.min(255, ...words.map((word) => word.length))
  const skips = new Uint8Array(1 << 16).fill(width - 1)
  const endings: Needle[][] = Array.from({ length: 1 << 16 })
  for (const word of words) {
    const offset = rarest(word, width)
    const bytes = Uint8Array.from(word, (character) => character.charCodeAt(0))
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
      if (isAny(bytes, start, endings[pair]!)) return start
      at++
    }
    return -1
  }
}

function isAny(bytes: Uint8Array, start: number, needles: readonly Needle[]): boolean {
  for (let index = 0; index < needles.length; index++) {
    const needle = needles[index]!
    if (isAt(bytes, start - needle.offset, needle.bytes)) return true
  }
  return false
}

function isAt(bytes: Uint8Array, start: number, needle: Uint8Array): boolean {
  if (start < 0 || start + needle.length > bytes.length) return false
  for (let index = 0; index < needle.length; index++) if (bytes[start + index] !== needle[index]) return false
  return true
}

/** Letters by their frequency in logs; digits and blanks are the most frequent. */
const FREQUENT = ' 0123456789etaoinsrdlc'

/** Offset of the part of a word whose pairs are rarest, because a match costs a comparison or a shorter skip. */
function rarest(word: string, width: number): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let offset = 0; offset + width <= word.length; offset++) {
    let cost = 0
    for (let end = 1; end < width; end++)
      cost += (weight(word[offset + end - 1]!) * weight(word[offset + end]!)) / (width - end)
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
