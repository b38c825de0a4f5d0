/** A number with its noun: `1 volume`, `3 volumes`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
