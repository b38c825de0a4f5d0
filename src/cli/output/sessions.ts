import type { SessionStatus } from '../../model/attachment.ts'
import { formatHold } from '../../model/hold-text.ts'
import type { Display } from './display.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'

type Disk = SessionStatus['disks'][number]

const COLUMNS: readonly Column<Disk>[] = [
  { head: 'LUN', cell: ({ lun }) => String(lun), align: 'right' },
  { head: 'DISK', cell: ({ disk }) => disk ?? '-' },
  { head: 'ADDRESS', cell: ({ hctl }) => hctl },
  {
    head: 'STATE',
    cell: ({ state }) => state,
    style: ({ state }) => (state === 'running' ? null : 'yellow'),
  },
  {
    head: 'OWNER',
    cell: ({ owner }) => owner,
    style: ({ owner }) => (owner === 'phantom' ? 'yellow' : owner === 'foreign' ? 'dim' : 'bold'),
  },
]

/** Each session with its disks, and the command that removes a phantom. */
export function sessionsText(sessions: readonly SessionStatus[], display: Display): string {
  if (sessions.length === 0)
    return 'No iSCSI sessions on this node. `lunkeeper attach --help` shows how to attach a volume.\n'
  return sessions.map((session) => sessionText(session, display)).join('\n') + phantomsText(sessions)
}

function sessionText(
  { sid, iqn, portal, state, recoveryTmo, scan, disks }: SessionStatus,
  display: Display,
): string {
  const up = state === 'LOGGED_IN'
  const head = `session ${display.paint('bold', String(sid))} to ${portal ?? 'an unknown portal'} is ${display.paint(up ? 'green' : 'red', state)}`
  const rest = `timer ${formatHold(recoveryTmo)}${scan === null ? '' : `, scan ${scan}`}`
  const body =
    disks.length === 0 ? 'no disks\n' : table(disks, COLUMNS, { ...display, width: display.width - 2 })
  return `${head}, ${rest}\n  ${iqn}\n${indented(body)}`
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

function phantomsText(sessions: readonly SessionStatus[]): string {
  const phantoms = sessions.flatMap(({ disks }) => disks.filter(({ owner }) => owner === 'phantom'))
  const [first] = phantoms
  if (!first) return ''
  const count = phantoms.length === 1 ? '1 phantom: a disk' : `${phantoms.length} phantoms: disks`
  const way = first.disk ? `\n\`lunkeeper detach /dev/${first.disk}\` removes one.` : ''
  return `\n${count} without an owner or a visible user.${way}\n`
}
