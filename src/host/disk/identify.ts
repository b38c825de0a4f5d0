import { LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Identity } from '../../model/identity.ts'
import type { Reservations } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { serialOf, wwidOf } from '../read/vpd.ts'
import { parseReservations } from './reservations.ts'
import { identifyWithSgInq } from './sg-inq.ts'

/** The kernel's own timeout for an INQUIRY is 20 s (drivers/scsi/scsi_scan.c); a healthy one takes 1 ms. */
const IDENTIFY_DEADLINE_MS = 20_000

/**
 * The identity that answers at this disk's LUN now: INQUIRY and READ CAPACITY sent to the device. Nothing cached by the
 * kernel or udev is used.
 * @throws IDENTITY_UNREADABLE it does not answer · LUN_ABSENT the target reports no such LUN · STUCK
 */
export async function identify(
  host: Host,
  disk: ScsiDisk,
  deadlineMs = IDENTIFY_DEADLINE_MS,
): Promise<Identity> {
  return (await interview(host, disk, {}, deadlineMs)).identity
}

/** What a volume says of itself, and what was asked besides. */
export interface Interview {
  readonly identity: Identity
  /** Null where it was not asked for, or the target does not tell. */
  readonly reservations: Reservations | null
}

/**
 * Like {@link identify}, in the same call of a worker process with what tells who owns the volume.
 * @throws as {@link identify}
 */
export async function interview(
  host: Host,
  disk: ScsiDisk,
  also: { readonly reservations?: boolean },
  deadlineMs = IDENTIFY_DEADLINE_MS,
): Promise<Interview> {
  const where = `${disk.name ?? 'the disk'} at ${formatHctl(disk.hctl)}`
  if (disk.sg === null) return plain(await identifyWithSgInq(host, disk))
  const path = deviceNode(host, disk.sg)
  try {
    const seen = await host.workers.use(null, (worker) =>
      worker.call('inquire', { path, ...also }, deadlineMs),
    )
    if (!seen.present)
      throw new LunkeeperError('LUN_ABSENT', `${where}: the target reports that it has no such LUN`)
    return {
      identity: {
        wwid: seen.page83 && wwidOf(Buffer.from(seen.page83)),
        serial: seen.page80 && serialOf(Buffer.from(seen.page80)),
        bytes: seen.bytes ?? disk.bytes,
      },
      reservations: seen.reservations && parseReservations(seen.reservations),
    }
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    if (error.errno === 'ENOENT') return plain(await identifyWithSgInq(host, disk))
    throw new LunkeeperError(
      'IDENTITY_UNREADABLE',
      `${where}: the identity cannot be read: ${error.message}`,
      {
        cause: error,
      },
    )
  }
}

/** Without the sg driver nothing else can be asked. */
function plain(identity: Identity): Interview {
  return { identity, reservations: null }
}
