import type { Host } from '../host/host.ts'
import type { SeenLun } from '../host/iscsi/client/luns.ts'
import { withLock } from '../host/lock/lock.ts'
import { readDisk } from '../host/read/disks.ts'
import { readSessions } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { isIdentified, nameDifference } from '../model/identity.ts'
import type { Lun } from '../model/lun.ts'
import type { Portal } from '../model/portal.ts'
import { samePortal } from '../model/portal.ts'
import { targetLock, withReturnLock } from '../state/records/locks.ts'
import { readRecord, writeRecord } from '../state/records/volumes.ts'
import { dropForeignDisk } from '../volumes/holding/drop-foreign-disk.ts'

/** The LUN at which the target presents the volume now; null if none of its LUNs is the volume. */
export function findLun({ identity, request }: Attachment, shown: readonly SeenLun[]): Lun | null {
  if (identity === null || !isIdentified(identity)) return null
  const same = shown.filter((one) => nameDifference(one, identity) === null)
  return (same.find(({ lun }) => lun === request.lun) ?? same[0])?.lun ?? null
}

/** Records that the target presents the volume at another LUN. */
export async function recordLun(
  host: Host,
  record: Attachment,
  lun: Lun,
  signal: AbortSignal,
): Promise<void> {
  await change(host, record, signal, (now) => {
    const asked = asAsked(now).lun
    return { ...now, askedLun: lun === asked ? null : asked, request: { ...now.request, lun } }
  })
  // Another volume, or none, is at the old LUN.
  await withLock(...targetLock(host, record.request, 'return', signal), async () => {
    for (const session of readSessions(host.paths, record.request.iqn)) {
      const old = readDisk(host.paths, session, record.request.lun)
      if (old) await dropForeignDisk(host, record, old)
    }
  })
}

/** Adds an address that the target reported to the volume's portals. */
export async function addPortal(
  host: Host,
  record: Attachment,
  portal: Portal,
  signal: AbortSignal,
): Promise<void> {
  await change(host, record, signal, (now) => {
    const { portals } = now.request
    if (portals.some((known) => samePortal(known, portal))) return now
    return { ...now, request: { ...now.request, portals: [...portals, portal] } }
  })
}

async function change(
  host: Host,
  record: Attachment,
  signal: AbortSignal,
  work: (now: Attachment) => Attachment,
): Promise<void> {
  await withReturnLock(host, record, signal, async () => {
    const now = readRecord(host, record.name)
    if (now?.phase === 'ready') writeRecord(host, work(now))
  })
}
