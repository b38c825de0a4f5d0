import type { Openable } from '../../host/disk/openers.ts'
import type { Host } from '../../host/host.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import { readMap } from '../../host/read/maps.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { lastingOpeners, openable, refuseKernelUse, sayOpeners } from '../../state/view/openers.ts'
import { deviceOfMap, mountsOf } from '../../state/view/users.ts'
import type { Path } from './path.ts'

/**
 * No program may have a disk open before a map is created on it, or before it is checked, formatted or mounted: a
 * virtual machine that writes to it does not claim it, and two writers destroy a file system. Existing uses are
 * left to their users: a current mount, a raw device that was handed out.
 * @param scanned sessions whose disk this attach created
 * @throws BUSY with the processes · STUCK CANCELLED
 */
export async function refuseOpen(
  host: Host,
  record: Attachment,
  paths: readonly Path[],
  scanned: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<void> {
  if (record.request.use.mount === null && record.phase === 'ready') return
  const holders = new Set(paths.flatMap(({ disk }) => disk.holders))
  const over = [findHoldMap(host, record.name), ...[...holders].map((holder) => readMap(host.paths, holder))]
  const maps = over.filter((map) => map !== null).map(deviceOfMap)
  const devices = [...maps, ...paths.map(({ disk }) => ({ ...disk }))]
  if (devices.some((device) => mountsOf(host, device).length > 0)) return
  const disks = paths.flatMap(({ disk, session }) => {
    const device = openable(disk)
    // A disk that this attach has created is not the one that its users have open, even if it has that name.
    return device && (scanned.has(session.sid) || !isHandedOut(record, device.name, over)) ? [device] : []
  })
  const openables: Openable[] = [...maps.filter(({ name }) => !isHandedOut(record, name, over)), ...disks]
  refuseKernelUse(host, openables)
  const openers = await lastingOpeners(host, openables, signal)
  if (openers.length > 0)
    throw new LunkeeperError('BUSY', `${paths[0]!.disk.name} is in use: ${sayOpeners(openers)}`, {
      hint: 'Stop that program first. Nothing was written, and the disk was not changed.',
    })
}

/** Whether this is the raw device that a completed attach gave to the volume's users. */
function isHandedOut(
  { request, device }: Attachment,
  name: string,
  maps: readonly (DmMap | null)[],
): boolean {
  if (request.use.mount !== null) return false
  const map = maps.find((one) => one?.device === name)
  return device === (map ? `/dev/mapper/${map.name}` : `/dev/${name}`)
}
