import { LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Identity } from '../../model/identity.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { HandError } from '../hand/hand.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { serialOf, wwidOf } from '../read/vpd.ts'
import { identifyWithSgInq } from './sg-inq.ts'

/** The kernel's own timeout for an INQUIRY is 20 s (drivers/scsi/scsi_scan.c); a healthy one takes 1 ms. */
const IDENTIFY_DEADLINE_MS = 20_000

/**
 * What answers at this disk's LUN now: INQUIRY and READ CAPACITY sent to the device. Nothing that the
 * kernel or udev remembers goes into it.
 * @throws IDENTITY_UNREADABLE it does not answer · LUN_ABSENT the target says that there is no such LUN · STUCK
 */
export async function identify(
  host: Host,
  disk: ScsiDisk,
  deadlineMs = IDENTIFY_DEADLINE_MS,
): Promise<Identity> {
  const where = `${disk.name ?? 'the disk'} at ${formatHctl(disk.hctl)}`
  if (disk.sg === null) return identifyWithSgInq(host, disk)
  const path = deviceNode(host, disk.sg)
  try {
    const seen = await host.hands.use(null, (hand) => hand.call('inquire', { path }, deadlineMs))
    if (!seen.present)
      throw new LunkeeperError('LUN_ABSENT', `${where}: the target says that it has no such LUN`)
    return {
      wwid: seen.page83 && wwidOf(Buffer.from(seen.page83)),
      serial: seen.page80 && serialOf(Buffer.from(seen.page80)),
      bytes: seen.bytes ?? disk.bytes,
    }
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    if (error.errno === 'ENOENT') return identifyWithSgInq(host, disk)
    throw new LunkeeperError('IDENTITY_UNREADABLE', `${where} does not tell its identity: ${error.message}`, {
      cause: error,
    })
  }
}
