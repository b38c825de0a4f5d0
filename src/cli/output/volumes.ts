import type { VolumeStatus } from '../../model/attachment.ts'
import { isPathUp } from '../../model/attachment.ts'
import { formatBytes } from '../../model/bytes.ts'
import { formatHold } from '../../model/hold-text.ts'
import { isHoldShort } from '../../model/urgency.ts'
import { formatUnwritten } from './unwritten.ts'
import type { Display } from './display.ts'
import type { Column } from './table.ts'
import { table } from './table.ts'
import { OF_ANOTHER_MACHINE, STATE_STYLE } from './volume.ts'

/** Head of a column that is shown only if a volume has unwritten data. */
const WAITING = 'UNWRITTEN'

const COLUMNS: readonly Column<VolumeStatus>[] = [
  { head: 'NAME', cell: ({ name }) => name, style: () => 'bold' },
  { head: 'STATE', cell: ({ state }) => state, style: ({ state }) => STATE_STYLE[state] },
  {
    head: 'SIZE',
    cell: ({ identity }) => (identity ? formatBytes(identity.bytes) : '-'),
    align: 'right',
  },
  { head: 'HOLD', cell: ({ hold }) => formatHold(hold.wanted), align: 'right' },
  {
    head: 'EFFECTIVE',
    cell: ({ hold }) => formatHold(hold.effective),
    align: 'right',
    style: ({ hold }) => (isHoldShort(hold) ? 'yellow' : null),
  },
  {
    head: 'PATHS',
    cell: ({ paths }) => `${paths.filter(isPathUp).length}/${paths.length}`,
    align: 'right',
    style: ({ paths }) => (paths.every(isPathUp) ? null : 'yellow'),
  },
  { head: WAITING, cell: ({ hold }) => formatUnwritten(hold), align: 'right' },
  { head: 'DEVICE', cell: ({ device }) => device ?? '-', wide: true },
  { head: 'MOUNT', cell: ({ mount }) => mount ?? '-', wide: true },
]

/** The table of all volumes. */
export function volumesText(volumes: readonly VolumeStatus[], display: Display): string {
  if (volumes.length === 0)
    return 'No volumes on this node. `lunkeeper attach --help` shows how to attach one.\n'
  const waits = volumes.some(({ hold }) => hold.waiting !== null)
  const columns = COLUMNS.filter(({ head }) => waits || head !== WAITING)
  const listed = table(volumes, columns, display, ({ device, mount }) =>
    mount === null ? (device ?? 'no device now') : `${device ?? 'no device now'} on ${mount}`,
  )
  const foreign = volumes.filter(({ ofAnotherMachine }) => ofAnotherMachine).map(({ name }) => name)
  return foreign.length === 0 ? listed : `${listed}\n${foreign.join(', ')}: ${OF_ANOTHER_MACHINE}.\n`
}
