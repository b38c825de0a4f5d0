import type { SharedFailure, WhichBoot } from '../../explain/report.ts'

/**
 * Formats a time.
 * @param day a date that is left out, because the line above shows it
 * @returns null if the log has no time
 */
export function time(at: string | null, uptime: number | null, day: string | null): string | null {
  if (at === null) return uptime === null ? null : afterBoot(uptime)
  return day !== null && at.startsWith(day) ? dateOf(at).slice(11) : dateOf(at)
}

/** `2026-08-28 18:13:29`, followed by UTC if the zone is known. */
export function dateOf(iso: string): string {
  const text = iso.replace('T', ' ')
  return text.endsWith('Z') ? `${text.slice(0, 19)} UTC` : text.slice(0, 19)
}

/** `12.3 s after boot`. */
export function afterBoot(seconds: number): string {
  return `${seconds.toFixed(1)} s after boot`
}

/** ` (of session 1, 2 or 3)`: whose failure it may be. */
export function ofSessions({ sessions }: SharedFailure): string {
  return ` (of session ${sessions.slice(0, -1).join(', ')} or ${sessions.at(-1)!})`
}

/** ` on n1, after reboot 2`: which host and boot. @param several several logs were read, so that a log needs its name */
export function whereText({ host, log, boot }: WhichBoot, several: boolean): string {
  const place = host !== null ? ` on ${host}` : several && log !== null ? ` in ${log}` : ''
  return `${place}${boot === 0 ? '' : `, after reboot ${boot}`}`
}
