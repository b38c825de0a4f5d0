import type { AttachmentState, PathStatus, VolumeStatus } from '../../../model/attachment.ts'
import { isPathUp } from '../../../model/attachment.ts'
import { formatBytes } from '../../../model/bytes.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'

/** `good`: all is well. `wait`: I/O waits, or something changes. `bad`: I/O fails. `idle`: nothing to say. */
export type Tone = 'good' | 'wait' | 'bad' | 'idle'

/** No colour says anything alone. */
export const SIGN: Readonly<Record<Tone, string>> = { good: '✓', wait: '◷', bad: '✗', idle: '·' }

export const STATE_TONE: Readonly<Record<AttachmentState, Tone>> = {
  ready: 'good',
  holding: 'wait',
  attaching: 'wait',
  detaching: 'wait',
  failed: 'bad',
  fenced: 'bad',
  misplaced: 'bad',
}

/** What each state means, after the name of the volume. */
export const STATE_WORDS: Readonly<Record<AttachmentState, string>> = {
  ready: 'ready',
  holding: 'I/O is held until the target returns',
  failed: 'I/O fails',
  fenced: 'another node has the volume',
  misplaced: 'another volume answers in its place',
  attaching: 'is being attached',
  detaching: 'is being detached',
}

export function pathTone(path: PathStatus): Tone {
  if (isPathUp(path)) return 'good'
  return path.session === null || path.disk === null || path.diskState === 'offline' ? 'bad' : 'wait'
}

/** `1 volume`, `3 volumes`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const

/** `4 min 12 s`, `2 h 05 min`: the two largest units. Counted down, so a part of a second is one. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  const first = UNITS.findIndex(([, size]) => seconds >= size)
  const [unit, size] = UNITS[first === -1 ? 3 : first]!
  const next = UNITS[first + 1]
  const head = `${Math.floor(seconds / size)} ${unit}`
  if (first === -1 || !next) return head
  return `${head} ${String(Math.floor((seconds % size) / next[1])).padStart(2, '0')} ${next[0]}`
}

/** Text that the page counts down each second, without being rendered again. */
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

/** Text that the page counts up each second. */
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

/** `03:14:05`, with the date where it is another day, in the reader's zone. */
export function clock(iso: string, nowMs: number): PageElement {
  return h('time', { datetime: iso }, clockText(Date.parse(iso), nowMs))
}

export function clockText(ms: number, nowMs: number): string {
  const at = new Date(ms)
  const pad = (number: number) => String(number).padStart(2, '0')
  const time = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
  const isToday = at.toDateString() === new Date(nowMs).toDateString()
  return isToday ? time : `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${time}`
}

/** Data that is not on the target yet, as far as it is known. */
export function unwritten({ hold: { waiting } }: VolumeStatus): string | null {
  if (waiting === null) return null
  return `${waiting.of === 'node' ? 'up to ' : ''}${formatBytes(waiting.bytes)}`
}

/** A label with its sign; the sign is read as the word that follows. */
export function sign(tone: Tone): PageElement {
  return h('span', { class: `sign ${tone}`, 'aria-hidden': 'true' }, SIGN[tone])
}
