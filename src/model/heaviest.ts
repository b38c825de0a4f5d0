/** The items with the highest weights, at most `max` of them, in their original order. */
export function heaviest<T>(items: readonly T[], max: number, weightOf: (item: T) => number): readonly T[] {
  if (items.length <= max) return items
  const kept = new Set(items.toSorted((a, b) => weightOf(b) - weightOf(a)).slice(0, max))
  return items.filter((item) => kept.has(item))
}
