import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import { presentMapPolicies, setMapPolicies } from '../../host/map/multipathd-policy.ts'
import { pollingInterval } from '../../host/map/queueing.ts'
import { multipathForm } from '../../host/map/wwids.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { safeHold } from '../../model/safe-hold.ts'
import { noPathRetry } from '../../model/plan/retries.ts'
import { lookAtVolume } from '../../state/view/volume.ts'
import { readRecords } from '../../state/records/volumes.ts'

/** The process that holds this lock reads records and writes one file. */
const LOCK_DEADLINE_MS = 60_000

/**
 * Configures multipathd to hold the I/O of its volumes for their requested time: multipathd manages their paths,
 * and we configure what it does when it has none. During an outage the remaining time is counted from now.
 * @param without the volume that is being detached
 * @throws MAP_FAILED LOCKED NO_SPACE NO_PERMISSION RECORD_UNWRITABLE
 */
export async function configureMultipathd(host: Host, without: VolumeName | null = null): Promise<void> {
  const options = { what: 'configuration of multipathd', deadline: LOCK_DEADLINE_MS }
  await withLock(join(host.places.runtime, 'locks'), 'multipathd', options, async () => {
    const { attachments, corrupt } = readRecords(host)
    const held = attachments.filter(
      ({ name, mode, identity }) => mode === 'multipathd' && name !== without && identity?.wwid,
    )
    // A volume whose record cannot be read keeps its setting: without it, its held I/O could fail now.
    const known = new Set(
      attachments.flatMap(({ identity }) => (identity?.wwid ? [multipathForm(identity.wwid)] : [])),
    )
    const unknown =
      corrupt.length === 0 ? [] : presentMapPolicies(host).filter(({ wwid }) => !known.has(wwid))
    const interval = held.length > 0 ? await pollingInterval(host) : 0
    const policies = held.map((record) => ({
      wwid: multipathForm(record.identity!.wwid!),
      noPathRetry: noPathRetry(safeHold(record), recoveryOf(host, record), interval),
    }))
    await setMapPolicies(host, [...policies, ...unknown])
  })
}

/** How long the volume's sessions hold I/O before the map notices that a path is lost. */
function recoveryOf(host: Host, { request }: Attachment): Hold {
  return lookAtVolume(host, request)
    .sessions.flatMap(({ session, disk }) => (disk ? [session.recoveryTmo] : []))
    .reduce<Hold>(longerHold, 0)
}
