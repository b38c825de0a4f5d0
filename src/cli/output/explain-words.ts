/** Omits the date if it is that of the line above. */
export function time(at: string | null, uptime: number | null, day: string | null): string | null {
  if (at === null) return uptime === null ? null : afterBoot(uptime)
  return day !== null && at.startsWith(day) ? dateOf(at).slice(11) : dateOf(at)
}

/** 2026-08-28 18:13:29, with UTC if the log says so. */
export function dateOf(iso: string): string {
  const text = iso.replace('T', ' ')
  return text.endsWith('Z') ? `${text.slice(0, 19)} UTC` : text.slice(0, 19)
}

export function afterBoot(seconds: number): string {
  return `${seconds.toFixed(1)} s after boot`
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
