import type { Damage } from './damage.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { OpenFileSystemFailures } from './file-system-failures.ts'
import { concludeFileSystems } from './file-system-failures.ts'
import { isAfter, isoOf, secondsBetween, uptimeOf } from './moment.ts'
import type { LogMoment } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { preventionOf } from './prevention.ts'
import type { OutageDamage, SharedDamage } from './settle.ts'
import type { Outage, SharedFailure } from '../report.ts'

/** Describes an outage for the report, after the whole log was read. */
export function concludeOutage(
  outage: OpenOutage,
  { own, shared }: OutageDamage,
  disks: DiskTopology,
): Outage {
  const { lost, back, ended } = outage
  const all = [...own, ...shared.map(({ damage }) => damage)]
  const failures = failuresByDisk(own, disks)
  // Only rejected I/O had shown that the timer expired, and that I/O was of another session.
  const isExpired = !outage.timerInferred || all.some(({ isRejected }) => isRejected)
  const expired = isExpired ? outage.expired : null
  const timer = isExpired ? outage.timer : null
  const measured = lost && back && secondsBetween(lost, back)
  const seconds = measured === null ? null : Math.max(0, Math.round(measured))
  const sinceLoss = lost && secondsBetween(lost, lastSignOf(outage, own))
  const awayAtLeast = seconds ?? (sinceLoss === null ? null : Math.max(0, Math.floor(sinceLoss)))
  const survived = !all.some(({ fileSystems }) => fileSystems.size > 0) && !reachedUsers(all, disks)
  const failedBy = survived ? null : failureReason(outage, all, disks)
  return {
    lostAt: isoOf(lost),
    lostUptime: uptimeOf(lost),
    noticed: outage.noticed,
    timer,
    timerInferred: isExpired && outage.timerInferred,
    expiredAt: isoOf(expired),
    expiredUptime: uptimeOf(expired),
    backAt: isoOf(back),
    backUptime: uptimeOf(back),
    ended,
    attempts: outage.attempts ?? (outage.failures || null),
    seconds,
    awayAtLeast,
    ioErrors: failures.reduce((sum, { ioErrors }) => sum + ioErrors, 0),
    devices: failures.map(({ device }) => device).filter((device) => device !== ''),
    rejected: failures.filter(({ isRejected }) => isRejected).map(({ device }) => device),
    fileSystems: concludeFileSystems(fileSystemsOf(own)),
    shared: concludeShared(shared, disks),
    survived,
    failedBy,
    hungTasks: outage.hungTasks,
    prevention: preventionOf({ seconds, awayAtLeast, survived, ended, failedBy }),
  }
}

function lastSignOf({ lastSignOfLoss }: OpenOutage, own: readonly Damage[]): LogMoment {
  return own.reduce(
    (last, { lastSignOfLoss: sign }) => (sign && isAfter(last, sign, 0) ? sign : last),
    lastSignOfLoss,
  )
}

function concludeShared(shared: readonly SharedDamage[], disks: DiskTopology): SharedFailure[] {
  const bySessions = Map.groupBy(shared, ({ sessions }) => sessions.join())
  return [...bySessions.values()].flatMap((each) =>
    failuresByDisk(
      each.map(({ damage }) => damage),
      disks,
    ).map(({ fileSystems, ...failure }) => ({
      sessions: each[0]!.sessions,
      ...failure,
      fileSystems: concludeFileSystems(fileSystems),
    })),
  )
}

/** What failed on one disk. `device` is empty if the messages name none. */
interface DiskFailure {
  readonly device: string
  readonly ioErrors: number
  readonly isRejected: boolean
  readonly fileSystems: OpenFileSystemFailures
}

/** Combines what was logged under the name of a disk and under its address. */
function failuresByDisk(damage: readonly Damage[], disks: DiskTopology): readonly DiskFailure[] {
  const nameAt = new Map(damage.flatMap(({ disk, address }) => (isAddress(disk) ? [] : [[address, disk]])))
  const groups = Map.groupBy(damage, ({ disk }) => disks.name(disk) ?? nameAt.get(disk) ?? disk)
  const failures = [...groups].map(([device, all]) => ({
    device,
    ioErrors: all.reduce((sum, { errors }) => sum + errors, 0),
    isRejected: all.some(({ isRejected }) => isRejected),
    fileSystems: fileSystemsOf(all),
  }))
  // An address without a name most likely is that of a named disk without an address.
  let unplaced = [...groups].filter(
    ([device, all]) => device.startsWith('sd') && all.every(({ address }) => address === null),
  ).length
  return failures.filter(({ device }) => !isAddress(device) || unplaced-- <= 0)
}

/** The failures of all file systems; of several of one kind the first. */
function fileSystemsOf(damage: readonly Damage[]): OpenFileSystemFailures {
  const all: OpenFileSystemFailures = new Map()
  for (const { fileSystems } of damage)
    for (const [key, failure] of fileSystems) if (!all.has(key)) all.set(key, failure)
  return all
}

/** Why I/O failed. A longer hold helps against an expired timer and ended queueing only. */
function failureReason(
  { expired, queueingEnded, deviceOfflined }: OpenOutage,
  damage: readonly Damage[],
  disks: DiskTopology,
): Outage['failedBy'] {
  const hasPathErrors = damage.some(({ disk }) => disks.isPath(disk))
  if (queueingEnded || (hasPathErrors && damage.some(({ disk }) => disk.startsWith('dm-'))))
    return 'multipathd'
  if (expired) return 'timer'
  if (deviceOfflined) return 'error handling'
  return damage.some(({ isRejected }) => isRejected) ? 'timer' : 'retries'
}

/**
 * Whether errors reached the users of the disks. Messages that name no disk count only if no other message names one.
 */
function reachedUsers(damage: readonly Damage[], disks: DiskTopology): boolean {
  const failed = damage.filter(({ errors, isRejected }) => errors > 0 || isRejected)
  const named = failed.filter(({ disk }) => disk !== '')
  return named.length === 0 ? failed.length > 0 : named.some(({ disk }) => !isHidden(disk, disks))
}

/** Whether a map hides the errors of the disk. A disk without a name is taken for a path if the log shows a map. */
function isHidden(disk: string, disks: DiskTopology): boolean {
  const name = disks.name(disk) ?? disk
  return disks.isPath(name) || (isAddress(name) && disks.hasMaps())
}

function isAddress(name: string): boolean {
  return name.includes(':')
}

/** The disk of a partition: sdb for sdb1, nvme0n1 for nvme0n1p1. Other names are returned unchanged. */
export function diskOf(device: string): string {
  return /^(?:(?:sd|x?vd)[a-z]+(?=\d+$)|(?:nvme\d+n\d+|mmcblk\d+)(?=p\d+$))/.exec(device)?.[0] ?? device
}
