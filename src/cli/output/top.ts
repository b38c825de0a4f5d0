import { stripVTControlCharacters } from 'node:util'

import type { VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatHold } from '../../model/hold-text.ts'
import type { VolumeMount } from '../../model/volume-mount.ts'
import { formatWaiting, isShort } from './hold.ts'
import type { Look } from './look.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import { STATE_STYLE } from './volume.ts'

/** What `top` shows. */
export interface TopState {
  readonly volumes: readonly VolumeStatus[]
  readonly mounts: readonly VolumeMount[]
  /** One reason for each record that cannot be parsed. */
  readonly corrupt: readonly string[]
}

/** From which a volume is told apart without colours, the most urgent first. */
const RANK: Readonly<Record<VolumeStatus['state'], number>> = {
  failed: 0,
  fenced: 0,
  misplaced: 0,
  holding: 1,
  detaching: 2,
  attaching: 2,
  ready: 3,
}

/** Lines that are not rows: summary, blank line, heads. */
const OTHER_LINES = 3

/**
 * The volumes on a screen: a summary, then a row each, the most urgent first; no line is longer than the screen is wide.
 * @param rows of the screen; infinite for a file
 * @param now milliseconds since 1970
 */
export function topText(
  { volumes, mounts, corrupt }: TopState,
  look: Look,
  rows = Number.POSITIVE_INFINITY,
  now = Date.now(),
): string {
  const sorted = byUrgency(volumes)
  const room = Math.max(1, rows - OTHER_LINES - corrupt.length - (sorted.length > rows - OTHER_LINES ? 1 : 0))
  const shown = sorted.slice(0, room)
  const lines = [
    summary(volumes, look, now),
    ...corrupt.map((reason) => look.paint('yellow', reason)),
    '',
    ...(shown.length === 0 ? [] : tableOf(shown, mounts, look, now)),
    ...(shown.length < sorted.length ? [`… and ${sorted.length - shown.length} more`] : []),
  ]
  return lines.map((line) => `${cut(line, look.width)}\n`).join('')
}

function byUrgency(volumes: readonly VolumeStatus[]): VolumeStatus[] {
  const due = ({ state, hold }: VolumeStatus) =>
    state === 'holding' && hold.deadline !== null ? Date.parse(hold.deadline) : Number.MAX_SAFE_INTEGER
  return volumes.toSorted((a, b) => RANK[a.state] - RANK[b.state] || due(a) - due(b))
}

function summary(volumes: readonly VolumeStatus[], look: Look, now: number): string {
  const tally = new Map<VolumeStatus['state'], number>()
  for (const { state } of volumes) tally.set(state, (tally.get(state) ?? 0) + 1)
  const parts = [...tally]
    .toSorted(([a], [b]) => RANK[a] - RANK[b])
    .map(([state, count]) => look.paint(STATE_STYLE[state], `${count} ${state}`))
  const at = new Date(now)
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
  return `${look.paint('bold', 'lunkeeper')} ${time}  ${parts.join(', ') || 'no volumes on this node'}`
}

/** Columns that a narrow screen goes without, the first one first. */
const DROPPED = ['USED BY', 'HOLD', 'PATHS', 'UNWRITTEN']

function tableOf(
  volumes: readonly VolumeStatus[],
  mounts: readonly VolumeMount[],
  look: Look,
  now: number,
): string[] {
  const all = columnsOf(mounts, now).filter(
    ({ head }) => head !== 'UNWRITTEN' || volumes.some(({ hold }) => hold.waiting !== null),
  )
  for (let dropped = 0; ; dropped++) {
    const left = all.filter(({ head }) => !DROPPED.slice(0, dropped).includes(head))
    const lines = table(volumes, left, look).trimEnd().split('\n')
    const width = Math.max(...lines.map((line) => stripVTControlCharacters(line).length))
    if (width <= look.width || dropped === DROPPED.length) return lines
  }
}

function columnsOf(mounts: readonly VolumeMount[], now: number): Column<VolumeStatus>[] {
  return [
    { head: 'NAME', cell: ({ name }) => name, style: () => 'bold' },
    { head: 'STATE', cell: ({ state }) => state, style: ({ state }) => STATE_STYLE[state] },
    { head: 'NEXT', cell: (volume) => nextOf(volume, now), style: ({ state }) => STATE_STYLE[state] },
    { head: 'UNWRITTEN', cell: ({ hold }) => formatWaiting(hold), align: 'right' },
    {
      head: 'PATHS',
      cell: ({ paths }) => `${paths.filter(isPathUp).length}/${paths.length}`,
      align: 'right',
      style: ({ paths }) => (paths.every(isPathUp) ? null : 'yellow'),
    },
    {
      head: 'HOLD',
      cell: ({ hold }) =>
        isShort(hold)
          ? `${formatHold(hold.wanted)}, really ${formatHold(hold.effective)}`
          : formatHold(hold.wanted),
      style: ({ hold }) => (isShort(hold) ? 'yellow' : null),
    },
    { head: 'USED BY', cell: (volume) => usersOf(volume, mounts) },
  ]
}

/** What happens unless something changes. */
function nextOf({ state, hold }: VolumeStatus, now: number): string {
  const { since, deadline } = hold
  if (state === 'holding') {
    if (deadline === null) return since === null ? 'held' : 'held without a limit'
    const left = Math.ceil((Date.parse(deadline) - now) / 1000)
    return left <= 0 ? 'I/O fails now' : `I/O fails in ${formatHold(left)}`
  }
  if (since === null) return '-'
  return `paths lost ${formatHold(Math.max(0, Math.floor((now - Date.parse(since)) / 1000)))} ago`
}

function usersOf({ name, mount }: VolumeStatus, mounts: readonly VolumeMount[]): string {
  const own = mounts.filter(({ volume }) => volume === name)
  const pods = new Set(own.flatMap(({ pod }) => pod ?? [])).size
  const points = own.filter(({ pod }) => pod === null).map(({ point }) => point)
  const parts = [
    ...(pods > 0 ? [`${pods} ${pods === 1 ? 'pod' : 'pods'}`] : []),
    ...(points.length > 0 ? points : mount === null ? [] : [mount]),
  ]
  return parts.join(', ') || '-'
}

/** Cuts a line to the width of the screen; escape sequences take no room. */
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
