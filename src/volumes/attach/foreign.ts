import { markPath, tellUdev, unmarkPath } from '../../host/disk/path-mark.ts'
import type { Host } from '../../host/host.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { holdMapName, removeHoldMap } from '../../host/map/hold-map.ts'
import { readDisk } from '../../host/read/disks.ts'
import { foreignHolders } from '../../host/read/holders.ts'
import { holdMapsOver } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { describeStack, remedyOf } from '../../state/view/holders.ts'
import type { Path } from './path.ts'

/**
 * Refuses disks that carry a device of other software. Device-mapper shares its claim on a disk among all maps
 * (drivers/md/dm.c: _dm_claim_ptr), so a hold map could be created beside a logical volume without holding that
 * volume's I/O. The session must then hold I/O itself, or an outage would be an error for that device.
 * @param name of the volume, whose own hold map may be there
 * @param wanted the volume's requested hold
 * @throws BUSY
 */
export function refuseForeignHolders(
  host: Host,
  name: VolumeName,
  paths: readonly Path[],
  wanted: Hold,
): void {
  refuseOtherHoldMap(host, name, paths)
  for (const { session, disk } of paths) {
    const now = readDisk(host.paths, session, disk.hctl.lun, { identity: false })
    const holders = now ? foreignHolders(host.paths, now) : []
    if (holders.length === 0) continue
    const recovery = longerHold(session.recoveryTmo, wanted)
    if (recovery !== session.recoveryTmo) setRecovery(host, session, recovery)
    throw new LunkeeperError(
      'BUSY',
      `${disk.name} is in use: ${describeStack(host, holders).join('; ')}. A hold map beside it would not hold its I/O.`,
      {
        hint: `Deactivate that (${remedyOf(host, holders)}), then attach again: it can be activated on the map. Or use the disk as it is, without lunkeeper.`,
      },
    )
  }
}

/**
 * Refuses a hold map of another name: the volume is attached under that name, even if its record is lost or cannot
 * be read. A second map would be a second way to write to the volume.
 * @throws BUSY
 */
export function refuseOtherHoldMap(host: Host, name: VolumeName, paths: readonly Path[]): void {
  for (const { session, disk } of paths) {
    const now = readDisk(host.paths, session, disk.hctl.lun, { identity: false })
    const other = now && holdMapsOver(host.paths, now).find((map) => map.name !== holdMapName(name))
    if (other)
      throw new LunkeeperError(
        'BUSY',
        `${disk.name} is in use by ${other.name}, the hold map of another volume`,
        {
          hint: `lunkeeper volumes shows that volume. If its record is lost or corrupt: lunkeeper detach /dev/mapper/${other.name}`,
        },
      )
  }
}

/** Verifies that only the new map is on its disks; otherwise the map is removed again. @throws BUSY */
export async function undoBeside(
  host: Host,
  name: VolumeName,
  map: DmMap,
  paths: readonly Path[],
  wanted: Hold,
): Promise<void> {
  try {
    refuseForeignHolders(host, name, paths, wanted)
  } catch (error) {
    await removeHoldMap(host, map)
    unmarkPaths(host, paths)
    throw error
  }
}

/**
 * Disks that existed before are marked late: udev knows them, and must process them again. That must not happen
 * before the map has claimed them: systemd unmounts file systems on a device that udev declares not ready.
 */
export async function reservePaths(host: Host, paths: readonly Path[]): Promise<void> {
  for (const { session, disk } of paths)
    if (await markPath(host, session.sid, disk.hctl, 'hold')) tellUdev(host, disk, 'change')
}

/** The volume uses its bare disk: udev may report its contents, and LVM may use it. */
export function releasePaths(host: Host, paths: readonly Path[]): void {
  for (const { session, disk } of paths)
    if (unmarkPath(host, session.sid, disk.hctl)) tellUdev(host, disk, 'add')
}

/** multipathd has the disks, and its own rules apply. */
export function unmarkPaths(host: Host, paths: readonly Path[]): void {
  for (const { session, disk } of paths) unmarkPath(host, session.sid, disk.hctl)
}
