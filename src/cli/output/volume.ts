import type { AttachmentState, PathStatus, VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatBytes } from '../../model/bytes.ts'
import { labelledValues } from './labelled-values.ts'
import type { VolumeHistory } from '../../model/history-summary.ts'
import { formatHold } from '../../model/hold-text.ts'
import { isHoldShort } from '../../model/urgency.ts'
import { outagesText } from './history.ts'
import { formatUnwritten } from './unwritten.ts'
import type { Display } from './display.ts'

export const STATE_STYLE: Readonly<Record<AttachmentState, Parameters<Display['paint']>[0]>> = {
  ready: 'green',
  holding: 'yellow',
  failed: 'red',
  fenced: 'red',
  misplaced: 'red',
  attaching: 'yellow',
  detaching: 'yellow',
}

/** Why a volume is not attached automatically. */
export const OF_ANOTHER_MACHINE =
  'the record was written on another machine, so the volume is not attached automatically; `lunkeeper attach` takes it over'

/** A volume, and its outages in numbers, if any are known. */
export type ShownVolume = VolumeStatus & { readonly history?: Omit<VolumeHistory, 'name'> | undefined }

/** One volume in detail. @param now milliseconds since 1970 */
export function volumeText(volume: ShownVolume, display: Display, now = Date.now()): string {
  const { name, state, device, identity, paths } = volume
  const title = `${display.paint('bold', name)} is ${display.paint(STATE_STYLE[state], state)}\n`
  const [first] = paths
  const portals = Math.max(0, ...paths.map(({ portal }) => portal.length))
  return (
    title +
    labelledValues(
      [
        ...(volume.ofAnotherMachine ? [['record', OF_ANOTHER_MACHINE] as const] : []),
        ['device', device ?? 'none now'],
        ['mount', mountOf(volume)],
        ['size', identity ? formatBytes(identity.bytes) : 'unknown'],
        ['wwid', identity?.wwid ?? 'none'],
        ['serial', identity?.serial ?? 'none'],
        ['hold', holdOf(volume, display)],
        ...adviceOf(volume),
        ...outageOf(volume, now),
        ...unwrittenOf(volume),
        ...historyOf(volume),
        ['owner', ownerOf(volume, display)],
        ...(first ? [['target', `${first.iqn}, LUN ${first.lun}`] as const] : []),
        ...paths.map((path, index) => [index === 0 ? 'paths' : '', pathOf(path, display, portals)] as const),
      ],
      display,
    )
  )
}

function mountOf({ mount, fs, readOnly }: VolumeStatus): string {
  const only = readOnly ? ', read-only' : ''
  return mount === null ? `none${only}` : `${mount} (${fs ?? 'unknown file system'}${only})`
}

function holdOf({ hold }: VolumeStatus, display: Display): string {
  const { wanted, effective, mode } = hold
  const by = { map: 'a hold map', multipathd: 'multipathd', session: 'the session' }[mode]
  if (wanted === effective) return `${formatHold(wanted)}, held by ${by}`
  const actual = `${formatHold(effective)} effective`
  return `${formatHold(wanted)} requested, ${isHoldShort(hold) ? display.paint('yellow', actual) : actual}, held by ${by}`
}

function ownerOf({ owner }: VolumeStatus, display: Display): string {
  const { guard, mine, holder } = owner
  if (mine === false) return display.paint('red', `lost to ${holder ?? 'another node'}`)
  return {
    reservation: 'this node, by a reservation at the target',
    kubernetes: 'this node, by its VolumeAttachment only',
    mark: 'this node; a second node is not prevented from mounting it, but this node then stops writing',
    none: display.paint('yellow', 'not guarded: other nodes can write to it as well'),
  }[guard]
}

/** The problem, and how to recover. */
function adviceOf({ name, state }: VolumeStatus): [string, string][] {
  if (state === 'fenced')
    return [
      [
        'problem',
        'another node has the volume: this node no longer writes to it, and its unwritten data is lost',
      ],
      ['action', `stop its users on this node, then: lunkeeper detach ${name} --force`],
    ]
  if (state !== 'misplaced') return []
  return [
    [
      'problem',
      'another volume answers at this LUN: writing, or unmounting it manually, would write to that volume',
    ],
    [
      'action',
      `map the right volume at this LUN again and stop its users: the agent then checks and remounts it. To discard unwritten data instead: lunkeeper detach ${name} --force`,
    ],
  ]
}

/** When the outage began, and what happens next. */
function outageOf({ state, hold: { since, deadline } }: VolumeStatus, now: number): [string, string][] {
  if (since === null) return []
  const lost = `${formatHold(Math.max(0, Math.round((now - Date.parse(since)) / 1000)))} ago`
  if (state !== 'holding') return [['lost', `all paths lost ${lost}; I/O that was held has failed`]]
  const left = deadline === null ? null : Math.max(0, Math.round((Date.parse(deadline) - now) / 1000))
  const end =
    left === null
      ? 'I/O is held until the target returns'
      : `I/O fails in ${formatHold(left)} unless the target returns`
  return [['holding', `all paths lost ${lost}; ${end}`]]
}

function historyOf({ history }: ShownVolume): [string, string][] {
  const text = history && outagesText(history)
  return text ? [['outages', text]] : []
}

function unwrittenOf({ hold }: VolumeStatus): [string, string][] {
  return hold.waiting === null ? [] : [['unwritten', `${formatUnwritten(hold)}, held in memory`]]
}

/** The state of a path, with its disk and session. */
function pathOf(path: PathStatus, display: Display, width: number): string {
  const { portal, session, disk, hctl, sessionState, diskState } = path
  const up = isPathUp(path)
  const state = display.paint(up ? 'green' : 'red', up ? 'up' : 'down')
  const place = disk ? `${disk} (${hctl})${up ? '' : ` ${diskState}`}` : 'no disk'
  const way = session === null ? 'no session' : `${place}, session ${session}${up ? '' : ` ${sessionState}`}`
  return `${portal.padEnd(width)}  ${state}${up ? '  ' : ''}  ${way}`
}
