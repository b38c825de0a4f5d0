import { isoOf, secondsBetween, uptimeOf } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { preventionOf } from './prevention.ts'
import type { Outage } from '../report.ts'

/** What the whole boot revealed about its disks. */
export interface Disks {
  /** sdX for an H:C:T:L. */
  name(address: string): string | null
  /** Whether a multipath map is above the disk, so that its errors do not reach a user. */
  isPath(device: string): boolean
}

/** The final description of an outage, after the whole log was read. */
export function conclude(outage: OpenOutage, disks: Disks): Outage {
  const { lost, back, expired, errors, lastSign } = outage
  const fileSystems = [...outage.fileSystems.values()].map(({ at, ...failure }) => ({
    ...failure,
    at: isoOf(at),
    uptime: uptimeOf(at),
  }))
  const measured = lost && back && secondsBetween(lost, back)
  const seconds = measured === null ? null : Math.max(0, Math.round(measured))
  const away = lost && secondsBetween(lost, lastSign)
  const awayAtLeast = seconds ?? (away === null ? null : Math.max(0, Math.floor(away)))
  const survived = fileSystems.length === 0 && !failedAbove(errors, disks)
  const failedBy = survived ? null : failedByOf(outage, disks)
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

/** What made I/O fail. A longer hold only defers the end of a timer or of queueing. */
function failedByOf(outage: OpenOutage, disks: Disks): Outage['failedBy'] {
  const { errors, fileSystems, expired, queueingEnded, givenUp } = outage
  const above = [...errors.keys(), ...[...fileSystems.values()].map(({ device }) => device)]
  if (queueingEnded || (above.some((device) => device.startsWith('dm-')) && paths(errors, disks)))
    return 'multipathd'
  if (expired) return 'timer'
  return givenUp ? 'error handling' : 'retries'
}

function paths(errors: OpenOutage['errors'], disks: Disks): boolean {
  return [...errors.keys()].some((device) => disks.isPath(device))
}

/** Suppressed messages name no device; they are attributed like the others. */
function failedAbove(errors: OpenOutage['errors'], disks: Disks): boolean {
  const named = [...errors.keys()].filter((device) => device !== '')
  return named.length === 0 ? errors.has('') : named.some((device) => !disks.isPath(device))
}

/** Names, if they are known. An address without a name is most likely one of the named disks. */
function devicesOf({ errors, addresses, fileSystems }: OpenOutage, disks: Disks): string[] {
  const names = new Set([...errors.keys()].filter((device) => device !== ''))
  for (const { device } of fileSystems.values()) names.add(diskOf(device))
  const nameless: string[] = []
  let named = 0
  for (const address of addresses) {
    const name = disks.name(address)
    if (name === null) nameless.push(address)
    else {
      named++
      names.add(name)
    }
  }
  const unexplained = names.size - named
  return [...names, ...nameless.slice(Math.max(0, unexplained))]
}

/** The disk of a partition. */
export function diskOf(device: string): string {
  return /^sd[a-z]+(?=\d+$)/.exec(device)?.[0] ?? device
}
