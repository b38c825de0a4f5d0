import { localClock, localDate } from '../../../model/local-time.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** `4 min 12 s`, `2 h 05 min`: the two largest units. Rounded up, because it is used for countdowns. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const first = UNITS.findIndex(([, size]) => seconds >= size)
  const [unit, size] = UNITS[first === -1 ? 3 : first]!
  const next = UNITS[first + 1]
  const head = `${Math.floor(seconds / size)} ${unit}`
  if (first === -1 || !next) return head
  return `${head} ${String(Math.floor((seconds % size) / next[1])).padStart(2, '0')} ${next[0]}`
}

/** The time left. browser/main.ts updates the text each second, without rendering the page again. */
export function countdown(deadline: string, nowMs: number): PageElement {
  const left = Date.parse(deadline) - nowMs
  return h(
    'span',
    { class: 'count', role: 'timer', 'aria-live': 'off', 'data-deadline': Date.parse(deadline) },
    countdownText(left),
  )
}

export function countdownText(leftMs: number): string {
  return leftMs <= 0 ? 'now' : `in ${duration(leftMs)}`
}

/** The time since a moment. browser/main.ts updates the text each second. */
export function elapsed(since: string, nowMs: number): PageElement {
  return h(
    'span',
    { class: 'count', role: 'timer', 'aria-live': 'off', 'data-since': Date.parse(since) },
    elapsedText(nowMs - Date.parse(since)),
  )
}

export function elapsedText(ms: number): string {
  return duration(Math.floor(Math.max(0, ms) / 1000) * 1000)
}

/** `03:14:05` in the reader's time zone, with the date if it is another day. */
export function clock(iso: string, nowMs: number): PageElement {
  return h('time', { datetime: iso }, clockText(Date.parse(iso), nowMs))
}

export function clockText(ms: number, nowMs: number): string {
  const at = new Date(ms)
  const isToday = localDate(at) === localDate(new Date(nowMs))
  return isToday ? localClock(at) : `${localDate(at)} ${localClock(at)}`
}
