import type { Host } from '../../host/host.ts'
import { withoutCopies } from '../../host/read/mount-copies.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { formatHctl } from '../../model/hctl.ts'
import { samePortal } from '../../model/portal.ts'
import type { Mount, ScsiDisk, Session } from '../../model/snapshot.ts'
import { disksOf, lookAtVolume } from '../../state/view/volume.ts'
import type { Device } from '../../state/view/users.ts'
import { deviceOf, deviceOfMap, mountsOf } from '../../state/view/users.ts'
import type { Driver } from '../driver.ts'
import { grpcError } from '../status.ts'
import type { OldState } from './state.ts'
import { OLD_DRIVER } from '../old-driver.ts'
import { readOldState } from './state.ts'

/** The kernel's state of a volume that the old driver published. */
export interface OldPublication {
  /** Sessions to the portals that the old driver used. */
  readonly sessions: readonly Session[]
  /** The LUN's disks in those sessions that the old driver recorded. */
  readonly disks: readonly ScsiDisk[]
  /** The LUN's other disks in those sessions, which another program created later. */
  readonly strangers: readonly ScsiDisk[]
  /** The device that the old driver mounted; null if it no longer exists. */
  readonly device: Device | null
  readonly mounts: readonly Mount[]
}

/** What the old driver recorded about a volume that we serve in its place. @throws RECORD_CORRUPT */
export function oldStateOf({ host, name }: Driver, volumeId: string): OldState | null {
  return name === OLD_DRIVER ? readOldState(host, volumeId) : null
}

/** Whether the old driver used this session. */
export function isSessionOf({ portals }: OldState, { portal }: Session): boolean {
  return portal !== null && portals.some((one) => samePortal(one, portal))
}

/**
 * A disk counts as the old driver's by target, portal and LUN, and by the SCSI address and name that it recorded; after
 * a new login these differ.
 * @param at mount points whose mounts are listed, and not their copies elsewhere
 */
export function lookAtOld(host: Host, state: OldState, ...at: readonly string[]): OldPublication {
  const view = lookAtVolume(host, state, { counts: (session) => isSessionOf(state, session) })
  const isNoted = (disk: ScsiDisk) =>
    state.disks.some(({ name, hctl }) => name === disk.name && hctl === formatHctl(disk.hctl))
  // multipathd may have renamed its map (user_friendly_names), and added paths to it.
  const map = view.maps.find(({ name, uuid }) =>
    [name, uuid.replace(/^mpath-/, '')].includes(state.device.name),
  )
  const all = disksOf(view)
  const isIts = (disk: ScsiDisk) => isNoted(disk) || (map !== undefined && disk.holders.includes(map.device))
  const disks = all.filter(isIts)
  const device = state.device.kind === 'map' ? map && deviceOfMap(map) : disks[0] && deviceOf(disks[0])
  return {
    sessions: view.sessions.map(({ session }) => session).filter((session) => isSessionOf(state, session)),
    disks,
    strangers: all.filter((disk) => !isIts(disk)),
    device: device ?? null,
    mounts: device ? withoutCopies(host.paths, mountsOf(host, device), at) : [],
  }
}

/**
 * The volume's mount at a path; undefined if nothing is mounted there.
 * @throws FAILED_PRECONDITION the mount there cannot be identified as the volume
 */
export function oldMountAt(
  host: Host,
  volumeId: string,
  { device: noted, iqn, lun }: OldState,
  { device }: OldPublication,
  place: string,
): Mount | undefined {
  const mount = mountAt(host.paths, place) ?? undefined
  if (!mount || (device !== null && mount.devno === device.devno)) return mount
  throw grpcError(
    'BUSY',
    `${mount.source || mount.fs} is mounted at ${place}, and is not what ${OLD_DRIVER} recorded for ${volumeId}: ${noted.name}, LUN ${lun} of ${iqn}. If it is no longer needed, unmount it by hand`,
  )
}
