import { markPath, tellUdev } from '../../host/disk/path-mark.ts'
import type { Host } from '../../host/host.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { readDisks } from '../../host/read/disks.ts'
import type { DiskHolder } from '../../host/read/holders.ts'
import { foreignHolders } from '../../host/read/holders.ts'
import { isMultipath, readMap } from '../../host/read/maps.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import { describeHolder } from '../../state/view/holders.ts'

/** A device that uses a volume's disk beside the hold map. */
export interface Beside {
  readonly name: VolumeName
  readonly text: string
}

interface Held {
  readonly disk: ScsiDisk
  readonly beside: readonly DiskHolder[]
  readonly hasHoldMap: boolean
}

/**
 * Devices beside hold maps on the disks of these volumes or of their sessions. No map holds their I/O: if the
 * session does not hold it either, each lost connection would be an error there, so such a session's timer is set
 * to its volumes' hold. multipathd sets the timers of its maps' sessions itself.
 * Disks that a previous version put under a map are marked for udev.
 */
export async function findBeside(host: Host, records: readonly Attachment[]): Promise<Beside[]> {
  const found: Beside[] = []
  for (const [iqn, volumes] of Map.groupBy(records, ({ request }) => request.iqn)) {
    const wanted = volumes.map(safeHold).reduce<Hold>(longerHold, 0)
    for (const session of readSessions(host.paths, iqn)) {
      const disks = readDisks(host.paths, session, { identity: false }).map((disk) => heldOf(host, disk))
      if (disks.some(({ beside }) => beside.some((holder) => !isMultipathMap(host, holder))))
        makeWait(host, session, wanted)
      for (const { disk, beside, hasHoldMap } of disks) {
        if (!hasHoldMap) continue
        if (await markPath(host, session.sid, disk.hctl, 'hold')) tellUdev(host, disk, 'change')
        const owner = volumes.find(({ request }) => request.lun === disk.hctl.lun)
        for (const holder of owner ? beside : [])
          found.push({
            name: owner!.name,
            text: `${describeHolder(host, holder)} is on ${disk.name}, beside the hold map, which does not hold its I/O`,
          })
      }
    }
  }
  return found
}

function heldOf({ paths }: Host, disk: ScsiDisk): Held {
  const beside = foreignHolders(paths, disk)
  return { disk, beside, hasHoldMap: disk.holders.length > beside.length }
}

function makeWait(host: Host, session: Session, wanted: Hold): void {
  const recovery = longerHold(session.recoveryTmo, wanted)
  if (session.state === 'LOGGED_IN' && recovery !== session.recoveryTmo) setRecovery(host, session, recovery)
}

function isMultipathMap({ paths }: Host, { device }: DiskHolder): boolean {
  const map = readMap(paths, device)
  return map !== null && isMultipath(map)
}
