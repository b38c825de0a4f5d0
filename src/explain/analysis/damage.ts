import type { OpenFileSystemFailures } from './file-system-failures.ts'
import type { LogMoment } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'

/**
 * The errors of one disk in one period, and the outages that may have caused them. Which of them did is decided after the
 * whole log was read: a later line can show to which session the disk belongs.
 */
export interface Damage {
  /** The disk (sdb, dm-0); its H:C:T:L if the log shows no name. Empty for errors whose messages name no disk. */
  readonly disk: string
  /** The SCSI address of the disk, if the log shows it. */
  readonly address: string | null
  /** Distinguishes the disks that had this name one after the other. */
  readonly generation: number
  /** The outages that the time of the errors points to. Several if they do not differ in it. */
  readonly suspects: readonly OpenOutage[]
  /** All outages during which the errors occurred, including the suspects. */
  readonly possible: readonly OpenOutage[]
  /** The log had shown the session of the disk before the errors. */
  readonly isCertain: boolean
  /** Number of I/O errors, including those whose messages the kernel suppressed. */
  errors: number
  /** The kernel rejected I/O of the disk, because the session's recovery timer had expired or the disk was offline. */
  isRejected: boolean
  readonly fileSystems: OpenFileSystemFailures
  readonly first: LogMoment
  last: LogMoment
  /** When the disk last failed while the outage was open and its timer had expired. */
  lastSignOfLoss: LogMoment | null
}

export function openDamage(
  what: Pick<Damage, 'disk' | 'address' | 'generation' | 'suspects' | 'possible' | 'isCertain'>,
  now: LogMoment,
): Damage {
  return {
    ...what,
    errors: 0,
    isRejected: false,
    fileSystems: new Map(),
    first: now,
    last: now,
    lastSignOfLoss: null,
  }
}
