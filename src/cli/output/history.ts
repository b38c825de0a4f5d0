import type { OutageCount, VolumeHistory } from '../../model/history-summary.ts'
import type { Actor, HistoryEvent } from '../../model/history.ts'
import type { HistoryReport } from '../../state/view/history.ts'
import { formatBytes } from '../../model/bytes.ts'
import { count as number } from '../../model/count.ts'
import { formatHold, limitText } from '../../model/hold-text.ts'
import { localClock, localDate } from '../../model/local-time.ts'
import type { Display } from './display.ts'
import { wrap } from './wrap.ts'

/** One line for each event, the newest last; then the number of outages of each volume. */
export function historyText({ volumes, events, unreadable }: HistoryReport, display: Display): string {
  if (events.length === 0) return `Nothing has been recorded${unreadableText(unreadable)}.\n`
  const widest = Math.max(...events.map(({ volume }) => (volume ?? NODE).length))
  const lines = events.map((event) => eventLine(event, widest, display)).join('')
  const numbers = volumes.flatMap((volume) => {
    const text = outagesText(volume)
    return text === null ? [] : [`${display.paint('bold', volume.name)}: ${text}\n`]
  })
  const below = numbers.length === 0 ? '' : `\n${numbers.join('')}`
  return `${lines}${below}${unreadable === 0 ? '' : `\n${number(unreadable, 'line')} of the history cannot be read.\n`}`
}

const unreadableText = (count: number) => (count === 0 ? '' : `, and ${number(count, 'line')} cannot be read`)

const NODE = '(node)'
const TIME_WIDTH = 'YYYY-MM-DD hh:mm:ss'.length
const GAP_COLUMNS = 2

function eventLine(event: HistoryEvent, widest: number, display: Display): string {
  const indent = TIME_WIDTH + GAP_COLUMNS + widest + GAP_COLUMNS
  const by = event.by === null ? '' : ` (${actorText(event.by)})`
  const [first = '', ...more] = wrap(`${happeningText(event)}${by}`, display.width - indent)
  const name = (event.volume ?? NODE).padEnd(widest + GAP_COLUMNS)
  const time = display.paint('dim', localTime(event.at).padEnd(TIME_WIDTH + GAP_COLUMNS))
  const text = isBad(event) ? display.paint('red', first) : first
  return [`${time}${name}${text}\n`, ...more.map((line) => `${' '.repeat(indent)}${line}\n`)].join('')
}

/** Whether data was lost, or may have been. */
function isBad(event: HistoryEvent): boolean {
  return event.event === 'hold-ended' || event.event === 'gave-up'
}

/** `2026-11-28 12:45:12`, in the node's time zone. */
export function localTime(iso: string): string {
  const at = new Date(iso)
  return `${localDate(at)} ${localClock(at)}`
}

function actorText({ via, command, user }: Actor): string {
  const what =
    command === null
      ? ({ cli: 'command line', agent: 'agent', csi: 'CSI', library: 'library' }[via] ?? via)
      : `lunkeeper ${command}`
  return user === null ? what : `${what}, by ${user}`
}

/** Why held I/O failed. */
const END_REASONS: Readonly<Record<string, string>> = {
  deadline: 'the hold ended',
  'give-up': 'the hold was given up',
  removed: 'its disk was removed from the node',
  misplaced: 'another volume answered in its place',
  fenced: 'another node owns the volume',
}

/** One event as a sentence. */
export function happeningText(event: HistoryEvent): string {
  switch (event.event) {
    case 'outage-began':
      return `all paths lost; holding I/O ${limitText(event.hold)}`
    case 'hold-ended':
      return `held I/O fails after ${secondsText(event.seconds)}: ${END_REASONS[event.how] ?? event.how}${event.holder === undefined ? '' : ` (${event.holder})`}${event.trouble ? `: ${event.trouble}` : ''}`
    case 'trouble':
      return event.text
    case 'outage-ended': {
      const back = event.returnMs === null ? '' : `, ${event.returnMs} ms after the target returned`
      return event.io === 'waited'
        ? `I/O resumed after ${secondsText(event.seconds)}${back}`
        : `usable again, ${secondsText(event.seconds)} after all paths were lost; I/O had failed`
    }
    case 'outages': {
      const failed = event.failed === 0 ? '' : `, I/O failed in ${event.failed}`
      return `${event.count} more outages, ${secondsText(event.seconds)} in all, the longest ${secondsText(event.longest)}${failed}`
    }
    case 'attached': {
      const place = [event.device, event.mount === null ? null : `mounted at ${event.mount}`]
      const took = event.tookOver ? ', taken over from another node' : ''
      return ['attached', ...place.filter((part) => part !== null)].join(', ') + took
    }
    case 'reattached':
      return 'attached again'
    case 'detached':
      return event.forced ? 'detached with --force' : 'detached'
    case 'hold-changed':
      return `hold changed from ${formatHold(event.from)} to ${formatHold(event.to)}`
    case 'gave-up':
      return 'hold given up: held I/O fails'
    case 'expanded':
      return `grew from ${formatBytes(event.from)} to ${formatBytes(event.to)}`
    case 'repaired':
      return event.error === null
        ? `repaired ${event.code}: ${event.action}`
        : `repair of ${event.code} failed: ${event.action}: ${event.error}`
    case 'clock-stepped':
      return `the wall clock was set ${Math.abs(event.seconds)} s ${event.seconds < 0 ? 'back' : 'forward'}, or the machine was suspended`
    case 'agent-started':
      return `agent started${event.version === null ? '' : `, version ${event.version}`}`
    case 'agent-stopped':
  }
  return 'agent stopped'
}

const MINUTE_S = 60

/** Tenths of a second are shown below ten seconds only. */
function secondsText(seconds: number): string {
  if (seconds >= MINUTE_S) return formatHold(Math.round(seconds))
  return `${seconds < 10 ? seconds : Math.round(seconds)} s`
}

/** `held twice today, longest 41 s`; null for a volume that was never held. */
export function outagesText({ today, all, from }: Omit<VolumeHistory, 'name'>): string | null {
  if (all.count === 0) return null
  const since = `since ${localDate(new Date(from))}`
  if (today.count === 0) return `not held today; ${countText(all)} ${since}${longestText(all)}`
  if (today.count === all.count) return `${countText(today)} today${longestText(today)}`
  return `${countText(today)} today${longestText(today)}; ${countText(all)} ${since}${longestText(all)}`
}

function countText({ count }: OutageCount): string {
  return `held ${{ 1: 'once', 2: 'twice' }[count] ?? `${count} times`}`
}

function longestText({ longest, failed }: OutageCount): string {
  const lost = failed === 0 ? '' : `, I/O failed in ${failed}`
  return `${longest > 0 ? `, longest ${secondsText(longest)}` : ''}${lost}`
}
