import type { CauseKind } from '../cause-kind.ts'
import type { Event } from './event.ts'
import { cause } from './event.ts'

/** scsi_logging.c: `sd 2:0:0:0: [sdb] tag#3 Sense Key : Data Protect [current]`; older kernels print no tag. */
const DISK =
  /^(?:sd|scsi|ses|sr) (\d{1,9}:\d{1,9}:\d{1,9}:\d{1,20}): (?:\[(sd[a-z]{1,8})\] )?(?:tag#\d{1,9} )?(?:\[\w{1,40}\] )?(.*)$/

/**
 * Patterns for the text after the disk. The additional sense comes first: it is more specific than the sense key
 * (SPC-4, 4.5).
 */
const SENSE: readonly (readonly [RegExp, CauseKind])[] = [
  [/^Add\. Sense: Space allocation failed write protect/i, 'no-space'],
  [/^(?:<<vendor>> ?)?ASC=0x27 ASCQ=0x0?7\b/i, 'no-space'],
  [/thin provisioning soft threshold/i, 'space-low'],
  [/^Add\. Sense: Logical unit not supported/i, 'lun-missing'],
  [/ASC=0x25 ASCQ=0x0/i, 'lun-missing'],
  [/LUN assignments on this target have changed/i, 'lun-changed'],
  [/Inquiry data has changed/i, 'lun-changed'],
  [/^Add\. Sense: (?:Reported luns data has changed|Inquiry data has changed)/i, 'lun-changed'],
  [/ASC=0x3f ASCQ=0x(?:0?3|0?e)\b/i, 'lun-changed'],
  [/^Sense Key : (?:Medium Error|0x3\b)/i, 'medium-error'],
  [/^Sense Key : (?:Hardware Error|0x4\b)/i, 'hardware-error'],
  [/^Sense Key : (?:Aborted Command|0xb\b)/i, 'command-aborted'],
  [/reservation conflict/i, 'reservation-conflict'],
  [/^Power-on or device reset occurred/i, 'device-reset'],
  [/^timing out command, waited \d/i, 'command-timeout'],
]

/** Parses a message about the status or sense data that a SCSI device returned; null if it is not relevant. */
export function scsiSense(message: string): Event | null {
  const parts = DISK.exec(message)
  if (!parts) return null
  const [, address, disk, rest] = parts
  const found = SENSE.find(([pattern]) => pattern.test(rest!))
  if (!found) return null
  return cause(found[1], disk ?? address!, { address: address!, detail: rest!.slice(0, 160) })
}

/** blk-core.c:blk_errors, without `I/O` and `recoverable transport`, which a lost path also causes. */
const BLOCK_ERRORS: Readonly<Record<string, CauseKind>> = {
  'critical space allocation': 'no-space',
  'critical medium': 'medium-error',
  'critical target': 'target-error',
  'critical nexus': 'reservation-conflict',
  'reservation conflict': 'reservation-conflict',
  timeout: 'command-timeout',
  protection: 'medium-error',
}
const BLOCK_ERROR =
  /^(?:(?:print_req_error|blk_update_request|end_request): )?(critical space allocation|critical medium|critical target|critical nexus|reservation conflict|timeout|protection) error, dev ([\w-]{1,32})[, ]/

/**
 * Parses a message about a request that failed because of what the storage answered, not because its path was lost;
 * null for others.
 */
export function blockError(message: string): Event | null {
  const parts = BLOCK_ERROR.exec(message)
  return (
    parts && cause(BLOCK_ERRORS[parts[1]!]!, parts[2]!, { failedIo: true, detail: message.slice(0, 160) })
  )
}
