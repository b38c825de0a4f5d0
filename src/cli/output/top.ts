import { stripVTControlCharacters } from 'node:util'

import type { VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatHold, limitText } from '../../model/hold-text.ts'
import { localClock } from '../../model/local-time.ts'
import { byUrgency, isHoldShort, STATE_RANK } from '../../model/urgency.ts'
import type { VolumeMount } from '../../model/volume-mount.ts'
import { formatUnwritten } from './unwritten.ts'
import type { Display } from './display.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import { STATE_STYLE } from './volume.ts'

/** The state of the node that `top` shows. */
export interface TopState {
  readonly volumes: readonly VolumeStatus[]
  readonly mounts: readonly VolumeMount[]
  /** One reason for each record that cannot be parsed. */
  readonly corrupt: readonly string[]
}

/** Lines around the rows: summary, blank line, column heads. */
const OTHER_LINES = 3

/**
 * The text of the screen: a summary, then a row for each volume, the most urgent first. Lines are cut to the width of the screen.
 * @param rows height of the screen; infinite for a file
 * @param now milliseconds since 1970
 */
export function topText(
  { volumes, mounts, corrupt }: TopState,
  display: Display,
  rows = Number.POSITIVE_INFINITY,
  now = Date.now(),
): string {
  const sorted = byUrgency(volumes)
  const room = Math.max(1, rows - OTHER_LINES - corrupt.length - (sorted.length > rows - OTHER_LINES ? 1 : 0))
  const shown = sorted.slice(0, room)
  const lines = [
    summary(volumes, display, now),
    ...corrupt.map((reason) => display.paint('yellow', reason)),
    '',
    ...(shown.length === 0 ? [] : tableOf(shown, mounts, display, now)),
    ...(shown.length < sorted.length ? [`… and ${sorted.length - shown.length} more`] : []),
  ]
  return lines.map((line) => `${cut(line, display.width)}\n`).join('')
}

function summary(volumes: readonly VolumeStatus[], display: Display, now: number): string {
  const counts = new Map<VolumeStatus['state'], number>()
  for (const { state } of volumes) counts.set(state, (counts.get(state) ?? 0) + 1)
  const parts = [...counts]
    .toSorted(([a], [b]) => STATE_RANK[a] - STATE_RANK[b])
    .map(([state, count]) => display.paint(STATE_STYLE[state], `${count} ${state}`))
  const time = localClock(new Date(now))
  return `${display.paint('bold', 'lunkeeper')} ${time}  ${parts.join(', ') || 'no volumes on this node'}`
}

/** Columns that are left out on a narrow screen, in this order. */
const DROPPED = ['USED BY', 'HOLD', 'PATHS', 'UNWRITTEN']

function tableOf(
  volumes: readonly VolumeStatus[],
  mounts: readonly VolumeMount[],
  display: Display,
  now: number,
): string[] {
  const all = columnsOf(mounts, now).filter(
    ({ head }) => head !== 'UNWRITTEN' || volumes.some(({ hold }) => hold.waiting !== null),
  )
  for (let dropped = 0; ; dropped++) {
    const left = all.filter(({ head }) => !DROPPED.slice(0, dropped).includes(head))
    const lines = table(volumes, left, display).trimEnd().split('\n')
    const width = Math.max(...lines.map((line) => stripVTControlCharacters(line).length))
    if (width <= display.width || dropped === DROPPED.length) return lines
  }
}

function columnsOf(mounts: readonly VolumeMount[], now: number): Column<VolumeStatus>[] {
  return [
    { head: 'NAME', cell: ({ name }) => name, style: () => 'bold' },
    { head: 'STATE', cell: ({ state }) => state, style: ({ state }) => STATE_STYLE[state] },
    { head: 'NEXT', cell: (volume) => nextOf(volume, now), style: ({ state }) => STATE_STYLE[state] },
    { head: 'UNWRITTEN', cell: ({ hold }) => formatUnwritten(hold), align: 'right' },
    {
      head: 'PATHS',
      cell: ({ paths }) => `${paths.filter(isPathUp).length}/${paths.length}`,
      align: 'right',
      style: ({ paths }) => (paths.every(isPathUp) ? null : 'yellow'),
    },
    {
      head: 'HOLD',
      cell: ({ hold }) =>
        isHoldShort(hold)
          ? `${formatHold(hold.wanted)}, effective ${formatHold(hold.effective)}`
          : formatHold(hold.wanted),
      style: ({ hold }) => (isHoldShort(hold) ? 'yellow' : null),
    },
    { head: 'USED BY', cell: (volume) => usedBy(volume, mounts) },
  ]
}

/** What happens next, unless the state changes. */
function nextOf({ state, hold }: VolumeStatus, now: number): string {
  const { since, deadline } = hold
  if (state === 'holding') {
    if (deadline === null) return `held ${limitText(hold.effective)}`
    const left = Math.ceil((Date.parse(deadline) - now) / 1000)
    return left <= 0 ? 'I/O fails now' : `I/O fails in ${formatHold(left)}`
  }
  if (since === null) return '-'
  return `paths lost ${formatHold(Math.max(0, Math.floor((now - Date.parse(since)) / 1000)))} ago`
}

function usedBy({ name, mount }: VolumeStatus, mounts: readonly VolumeMount[]): string {
  const own = mounts.filter(({ volume }) => volume === name)
  const pods = new Set(own.flatMap(({ pod }) => pod ?? [])).size
  const points = own.filter(({ pod }) => pod === null).map(({ point }) => point)
  const parts = [
    ...(pods > 0 ? [`${pods} ${pods === 1 ? 'pod' : 'pods'}`] : []),
    ...(points.length > 0 ? points : mount === null ? [] : [mount]),
  ]
  return parts.join(', ') || '-'
}

/** Cuts a line to the width of the screen. Escape sequences have no width. */
function cut(line: string, width: number): string {
  if (stripVTControlCharacters(line).length <= width) return line
  let room = Math.max(0, width - 1)
  let text = ''
  // oxlint-disable-next-line no-control-regex -- sequences of our own colours
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    const isSequence = part.startsWith('\u001b')
    text += isSequence ? part : part.slice(0, room)
    if (!isSequence) room -= Math.min(room, part.length)
  }
  return `${text}…`
}
