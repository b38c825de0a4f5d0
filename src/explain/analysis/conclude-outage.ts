import { concludeFileSystems } from './file-system-failures.ts'
import { isoOf, secondsBetween, uptimeOf } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { preventionOf } from './prevention.ts'
import type { Outage } from '../report.ts'

/** What the log of a whole boot shows about the disks. */
export interface KnownDisks {
  /** The name (sdX) of a SCSI address (H:C:T:L); null if the log does not show it. */
  name(address: string): string | null
  /** Whether the disk is a path of a multipath map, which hides its errors from the users. */
  isPath(device: string): boolean
}

/** Describes an outage for the report, after the whole log was read. */
export function concludeOutage(outage: OpenOutage, disks: KnownDisks): Outage {
  const { lost, back, expired, errors, lastSignOfLoss } = outage
  const fileSystems = concludeFileSystems(outage.fileSystems)
  const measured = lost && back && secondsBetween(lost, back)
  const seconds = measured === null ? null : Math.max(0, Math.round(measured))
  const sinceLoss = lost && secondsBetween(lost, lastSignOfLoss)
  const awayAtLeast = seconds ?? (sinceLoss === null ? null : Math.max(0, Math.floor(sinceLoss)))
  const survived = fileSystems.length === 0 && !reachedUsers(errors, disks)
  const failedBy = survived ? null : failureReason(outage, disks)
  return {
    lostAt: isoOf(lost),
    lostUptime: uptimeOf(lost),
    noticed: outage.noticed,
    timer: outage.timer,
    timerInferred: outage.timerInferred,
    expiredAt: isoOf(expired),
    expiredUptime: uptimeOf(expired),
    backAt: isoOf(back),
    backUptime: uptimeOf(back),
    ended: outage.ended,
    attempts: outage.attempts ?? (outage.failures || null),
    seconds,
    awayAtLeast,
    ioErrors: [...errors.values()].reduce((sum, count) => sum + count, 0),
    devices: devicesOf(outage, disks),
    fileSystems,
    survived,
    failedBy,
    hungTasks: outage.hungTasks,
    prevention: preventionOf({ seconds, awayAtLeast, survived, ended: outage.ended, failedBy }),
  }
}

/** Why I/O failed. A longer hold helps against an expired timer and ended queueing only. */
function failureReason(outage: OpenOutage, disks: KnownDisks): Outage['failedBy'] {
  const { errors, fileSystems, expired, queueingEnded, deviceOfflined } = outage
  const above = [...errors.keys(), ...[...fileSystems.values()].map(({ device }) => device)]
  if (queueingEnded || (above.some((device) => device.startsWith('dm-')) && hasPathErrors(errors, disks)))
    return 'multipathd'
  if (expired) return 'timer'
  return deviceOfflined ? 'error handling' : 'retries'
}

function hasPathErrors(errors: OpenOutage['errors'], disks: KnownDisks): boolean {
  return [...errors.keys()].some((device) => disks.isPath(device))
}

/**
 * Whether errors reached the users of the disks. Suppressed messages name no device: they count only if no other message
 * names one.
 */
function reachedUsers(errors: OpenOutage['errors'], disks: KnownDisks): boolean {
  const named = [...errors.keys()].filter((device) => device !== '')
  return named.length === 0 ? errors.has('') : named.some((device) => !disks.isPath(device))
}

/**
 * The names of the disks, and addresses for the rest. An address without a name most likely is one of the named disks.
 */
function devicesOf({ errors, addresses, fileSystems }: OpenOutage, disks: KnownDisks): string[] {
  const names = new Set([...errors.keys()].filter((device) => device !== ''))
  for (const { device } of fileSystems.values()) names.add(diskOf(device))
  const unnamed: string[] = []
  let named = 0
  for (const address of addresses) {
    const name = disks.name(address)
    if (name === null) unnamed.push(address)
    else {
      named++
      names.add(name)
    }
  }
  const unexplained = names.size - named
  return [...names, ...unnamed.slice(Math.max(0, unexplained))]
}

/** The disk of a partition: sdb for sdb1. Other names are returned unchanged. */
export function diskOf(device: string): string {
  return /^sd[a-z]+(?=\d+$)/.exec(device)?.[0] ?? device
}
