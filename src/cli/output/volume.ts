import type { AttachmentState, PathStatus, VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatBytes } from '../../model/bytes.ts'
import { facts } from './facts.ts'
import { formatHold } from '../../model/hold-text.ts'
import { outagesText } from './history.ts'
import { formatWaiting, isShort } from './hold.ts'
import type { Look } from './look.ts'

export const STATE_STYLE: Readonly<Record<AttachmentState, Parameters<Look['paint']>[0]>> = {
  ready: 'green',
  holding: 'yellow',
  failed: 'red',
  fenced: 'red',
  misplaced: 'red',
  attaching: 'yellow',
  detaching: 'yellow',
}

/** Why a volume is not attached. */
export const OF_ANOTHER_MACHINE =
  'the record was written on another machine, so the volume is not attached automatically; `lunkeeper attach` takes it over'

/** One volume in detail. @param now milliseconds since 1970 */
export function volumeText(volume: VolumeStatus, look: Look, now = Date.now()): string {
  const { name, state, device, identity, paths } = volume
  const title = `${look.paint('bold', name)} is ${look.paint(STATE_STYLE[state], state)}\n`
  const [first] = paths
  const portals = Math.max(0, ...paths.map(({ portal }) => portal.length))
  return (
    title +
    facts(
      [
        ...(volume.ofAnotherMachine ? [['record', OF_ANOTHER_MACHINE] as const] : []),
        ['device', device ?? 'none now'],
        ['mount', mountOf(volume)],
        ['size', identity ? formatBytes(identity.bytes) : 'unknown'],
        ['wwid', identity?.wwid ?? 'none'],
        ['serial', identity?.serial ?? 'none'],
        ['hold', holdOf(volume, look)],
        ...adviceOf(volume),
        ...waitOf(volume, now),
        ...unwrittenOf(volume),
        ...historyOf(volume),
        ['owner', ownerOf(volume, look)],
        ...(first ? [['target', `${first.iqn}, LUN ${first.lun}`] as const] : []),
        ...paths.map((path, index) => [index === 0 ? 'paths' : '', pathOf(path, look, portals)] as const),
      ],
      look,
    )
  )
}

function mountOf({ mount, fs, readOnly }: VolumeStatus): string {
  const only = readOnly ? ', read-only' : ''
  return mount === null ? `none${only}` : `${mount} (${fs ?? 'unknown file system'}${only})`
}

function holdOf({ hold }: VolumeStatus, look: Look): string {
  const { wanted, effective, mode } = hold
  const by = { map: 'a hold map', multipathd: 'multipathd', session: 'the session' }[mode]
  if (wanted === effective) return `${formatHold(wanted)}, held by ${by}`
  const really = `really ${formatHold(effective)}`
  return `${formatHold(wanted)} requested, ${isShort(hold) ? look.paint('yellow', really) : really}, held by ${by}`
}

function ownerOf({ owner }: VolumeStatus, look: Look): string {
  const { guard, mine, holder } = owner
  if (mine === false) return look.paint('red', `lost to ${holder ?? 'another node'}`)
  return {
    reservation: 'this node, by a reservation at the target',
    kubernetes: 'this node, by its VolumeAttachment only',
    mark: 'this node; another one that mounts it is noticed before this one writes again, but not kept out',
    none: look.paint('yellow', 'not guarded: other nodes can write as well'),
  }[guard]
}

/** What is wrong, and how to recover. */
function adviceOf({ name, state }: VolumeStatus): [string, string][] {
  if (state === 'fenced')
    return [
      [
        'wrong',
        'another node has the volume: this node writes nothing more, and what it had not written is lost',
      ],
      ['do', `stop its users on this node, then: lunkeeper detach ${name} --force`],
    ]
  if (state !== 'misplaced') return []
  return [
    ['wrong', 'another volume answers at this LUN: writing or unmounting by hand would write to that volume'],
    [
      'do',
      `map the right volume at this LUN again and stop its users: the agent then checks and remounts it. Or discard unwritten data: lunkeeper detach ${name} --force`,
    ],
  ]
}

/** Start of the outage, and what happens next. */
function waitOf({ state, hold: { since, deadline } }: VolumeStatus, now: number): [string, string][] {
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

function historyOf({ history }: VolumeStatus): [string, string][] {
  const text = history && outagesText(history)
  return text ? [['outages', text]] : []
}

function unwrittenOf({ hold }: VolumeStatus): [string, string][] {
  return hold.waiting === null ? [] : [['unwritten', `${formatWaiting(hold)}, held in memory`]]
}

/** Up, or why not. */
function pathOf(path: PathStatus, look: Look, width: number): string {
  const { portal, session, disk, hctl, sessionState, diskState } = path
  const up = isPathUp(path)
  const state = look.paint(up ? 'green' : 'red', up ? 'up' : 'down')
  const place = disk ? `${disk} (${hctl})${up ? '' : ` ${diskState}`}` : 'no disk'
  const way = session === null ? 'no session' : `${place}, session ${session}${up ? '' : ` ${sessionState}`}`
  return `${portal.padEnd(width)}  ${state}${up ? '  ' : ''}  ${way}`
}
