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
 * The identity of the volume that answers at this disk's LUN now, by INQUIRY and READ CAPACITY. Nothing that the kernel or
 * udev has cached is used.
 * @throws IDENTITY_UNREADABLE the disk does not answer · LUN_ABSENT the target reports no such LUN · STUCK
 */
export async function identify(
  host: Host,
  disk: ScsiDisk,
  deadlineMs = IDENTIFY_DEADLINE_MS,
): Promise<Identity> {
  return (await interview(host, disk, {}, deadlineMs)).identity
}

/** What a volume reports about itself. */
export interface Interview {
  readonly identity: Identity
  /** Null if they were not requested, or the target does not report them. */
  readonly reservations: Reservations | null
  /** Without the sg driver, only the identity can be read. */
  readonly hasSg: boolean
}

/**
 * Like {@link identify}, and on request reads registrations and reservation in the same call of the worker process.
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
      hasSg: true,
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

function plain(identity: Identity): Interview {
  return { identity, reservations: null, hasSg: false }
}
