const twoDigits = (number: number) => String(number).padStart(2, '0')

/** `2026-11-28`, in the time zone of the reader. */
export function localDate(at: Date): string {
  return [at.getFullYear(), twoDigits(at.getMonth() + 1), twoDigits(at.getDate())].join('-')
}

/** `03:14:05`, in the time zone of the reader. */
export function localClock(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')
}
