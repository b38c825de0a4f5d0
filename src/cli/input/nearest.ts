/** The known word that is most similar to a misspelled one; null if none is close. */
export function didYouMean(word: string, known: readonly string[]): string | null {
  const plain = simplified(word)
  const measured = known.map((candidate) => ({ candidate, distance: distance(plain, simplified(candidate)) }))
  const best = measured.toSorted((a, b) => a.distance - b.distance)[0]
  // Words that differ in more than a third of their letters are not similar.
  return best && best.distance <= Math.max(1, Math.floor(plain.length / 3)) ? best.candidate : null
}

/** readOnly, read_only and read-only count as equal. */
function simplified(word: string): string {
  return word.toLowerCase().replace(/[-_\s]/g, '')
}

/** Levenshtein distance: letters to add, drop or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(b).entries())
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)))
    row = next
  }
  return row.at(-1)!
}
