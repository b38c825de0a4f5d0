import type { Host } from '../host/host.ts'
import { setRecovery } from '../host/iscsi/recovery.ts'
import { readDisks } from '../host/read/disks.ts'
import { foreignHolders } from '../host/read/holders.ts'
import { isMultipath, readMap } from '../host/read/maps.ts'
import { readSessions } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Hold } from '../model/hold.ts'
import { longerHold } from '../model/hold.ts'
import type { VolumeName } from '../model/name.ts'
import { describeHolder } from '../volumes/holders.ts'

/** Something beside the hold map on a disk of a volume. */
export interface Beside {
  readonly name: VolumeName
  readonly text: string
}

/**
 * What stands on the disks of these volumes, or of their sessions, beside hold maps. No map holds its I/O: a session that
 * does not wait would make each lost connection an error there, so such a session is made to wait as long as its volumes'
 * hold. multipathd sets the timers of its maps' sessions itself.
 */
export function sparePathsOfOthers(host: Host, records: readonly Attachment[]): Beside[] {
  const found: Beside[] = []
  for (const [iqn, volumes] of Map.groupBy(records, ({ request }) => request.iqn)) {
    const wanted = volumes.map(({ request }) => request.hold.wanted).reduce<Hold>(longerHold, 0)
    for (const session of readSessions(host.paths, iqn)) {
      const disks = readDisks(host.paths, session, { identity: false })
      const beside = disks.flatMap((disk) => foreignHolders(host.paths, disk).map((holder) => ({ disk, holder })))
      const recovery = longerHold(session.recoveryTmo, wanted)
      if (
        session.state === 'LOGGED_IN' &&
        recovery !== session.recoveryTmo &&
        beside.some(({ holder }) => !isMultipathMap(host, holder.device))
      )
        setRecovery(host, session, recovery)
      for (const { disk, holder } of beside) {
        const owner = volumes.find(({ request }) => request.lun === disk.hctl.lun)
        if (owner && disk.holders.length > foreignHolders(host.paths, disk).length)
          found.push({
            name: owner.name,
            text: `${describeHolder(host, holder)} stands on ${disk.name}, beside the hold map, which does not hold its I/O`,
          })
      }
    }
  }
  return found
}

function isMultipathMap({ paths }: Host, device: string): boolean {
  const map = readMap(paths, device)
  return map !== null && isMultipath(map)
}
