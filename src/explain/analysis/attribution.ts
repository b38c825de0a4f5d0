import type { EventOf } from '../message/event.ts'
import { openAtaPorts } from './ata-ports.ts'
import type { Causes, OpenCause } from './causes.ts'
import { isDeviceAnswer } from './causes.ts'
import { diskOf } from './conclude-outage.ts'
import { openDeviceResets } from './device-resets.ts'
import type { Connections } from './connections.ts'
import type { Damage } from './damage.ts'
import { openDamage } from './damage.ts'
import type { DiskTopology } from './disk-topology.ts'
import type { LogMoment } from './moment.ts'
import { isAfter } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { inferExpiry } from './open-outage.ts'
import type { CausedBy } from './suspects.ts'
import { AT_EXPIRY_SECONDS, openSuspects } from './suspects.ts'

/** A file system reports a failed write within this time: at the next commit of its journal, or when it is used. */
const JOURNAL_ABORT_SECONDS = 120
/** A hostile log could name any number of devices. */
const MAX_ENTRIES = 5000
/** Devices whose errors are not reported: they hold no data of their own. */
const NOT_DISKS = /^(?:fd|sr|loop|zram|ram|nbd)\d*/

/** Attributes each error in the log to an outage or to another cause. */
export interface ErrorAttribution {
  /** The recovery timer expired during this outage. */
  timerExpired(outage: OpenOutage): void
  ioRejected(address: string, now: LogMoment): void
  ioFailed(device: string, now: LogMoment): void
  ataFailed(event: EventOf<'ATA error'>, now: LogMoment): void
  fileSystemFailed(event: EventOf<'file system'>, now: LogMoment): void
  /** A message names a cause, for example the answer of a device. */
  causeNoted(event: EventOf<'cause'>, now: LogMoment): void
  diskAttached(address: string, now: LogMoment): void
  queueingEnded(map: string, now: LogMoment): void
  /** The kernel suppressed messages about failed I/O. They are counted where its last message was attributed. */
  messagesSuppressed(lines: number, now: LogMoment): void
  /** No more events follow. */
  end(): void
}

type Blame = { readonly damage: Damage } | { readonly cause: OpenCause }

export function openAttribution(
  connections: Connections,
  disks: DiskTopology,
  causes: Causes,
): ErrorAttribution {
  const suspects = openSuspects(connections, disks)
  const ports = openAtaPorts(disks, (disk) => {
    if (damageOfDisk(disk)) blamed.delete(disk)
  })
  const resets = openDeviceResets(noteCause)
  /** What the last error of each disk was attributed to: to outages, or to another cause. */
  const blamed = new Map<string, Blame>()
  let last: Blame | { outage: OpenOutage } | null = null
  /** Addresses without a name whose I/O was rejected since the last error. */
  let rejected: readonly { address: string; now: LogMoment }[] = []

  function blame(disk: string, what: Blame): void {
    if (blamed.size < MAX_ENTRIES || blamed.has(disk)) blamed.set(disk, what)
  }

  function damageOfDisk(disk: string): Damage | null {
    const what = blamed.get(disk)
    return what && 'damage' in what ? what.damage : null
  }

  /** The damage that an error of a disk belongs to; null if no outage can have caused it. */
  function damageTo(
    disk: string,
    address: string | null,
    isRejected: boolean,
    now: LogMoment,
  ): Damage | null {
    const by = suspects.of({ disk, address, isRejected, current: damageOfDisk(disk) }, now)
    const damage = by === null || 'disk' in by ? by : opened(disk, address, by, now)
    if (!damage) return null
    if (isRejected) damage.isRejected = true
    damage.last = now
    last = { damage }
    suspects.diskFailed()
    return damage
  }

  function opened(disk: string, address: string | null, by: CausedBy, now: LogMoment): Damage {
    const of = [...new Set([...by.suspects, ...by.possible])]
    if (of.some(({ damage }) => damage.size >= MAX_ENTRIES)) return unnamedOf(of[0]!, now)
    const damage = openDamage({ disk, address, generation: disks.generationOf(disk), ...by }, now)
    for (const outage of of) outage.damage.add(damage)
    blame(disk, { damage })
    return damage
  }

  /** The errors of an outage whose messages name no disk. */
  function unnamedOf(outage: OpenOutage, now: LogMoment): Damage {
    if (!outage.unnamed) {
      const by = { suspects: [outage], possible: [outage], isCertain: true }
      outage.unnamed = openDamage({ disk: '', address: null, generation: 0, ...by }, now)
      outage.damage.add(outage.unnamed)
    }
    return outage.unnamed
  }

  function noteLossBy(damage: Damage, now: LogMoment): void {
    for (const outage of damage.suspects)
      if (outage.ended === null && (outage.expired || damage.isRejected)) {
        outage.lastFailure = now
        damage.lastSignOfLoss = now
      }
  }

  function attributeToCause(disk: string, cause: OpenCause): void {
    blame(disk, { cause })
    last = { cause }
  }

  function timerExpired(outage: OpenOutage): void {
    suspects.timerExpired(outage)
    last = { outage }
  }

  function ioRejected(address: string, now: LogMoment): void {
    const name = disks.name(address)
    if (name === null && rejected.every((other) => other.address !== address))
      rejected = [...rejected.slice(-1), { address, now }]
    const damage = damageTo(name ?? address, address, true, now)
    if (!damage) return
    const [outage, ...others] = damage.suspects
    if (others.length === 0) {
      if (disks.wasOfflined(address)) outage!.deviceOfflined = true
      else inferExpiry(outage!, now)
    }
    noteLossBy(damage, now)
  }

  function ioFailed(device: string, now: LogMoment): void {
    const disk = diskOf(device)
    if (NOT_DISKS.test(disk)) return
    const answer = causes.recentOf(disk, now)
    if (answer) {
      answer.ioErrors++
      attributeToCause(disk, answer)
      ports.diskFailed(disk, now)
      return
    }
    const damage = damageOfUnanswered(disk, now)
    if (damage) {
      damage.errors++
      return
    }
    const cause = causes.note('io-error', disk, null, now)
    cause.ioErrors++
    attributeToCause(disk, cause)
  }

  /** The damage that a failure of a disk, which the storage did not explain, belongs to; null if it is not of an outage. */
  function damageOfUnanswered(disk: string, now: LogMoment): Damage | null {
    const address = disks.addressOf(disk) ?? addressJustRejected(disk, now)
    const isRejected = rejected.some((other) => other.address === address)
    rejected = []
    if (!isRejected && !damageOfDisk(disk)?.isRejected) ports.diskFailed(disk, now)
    const damage = disks.isLocal(disk) ? null : damageTo(disk, address, isRejected, now)
    if (damage) noteLossBy(damage, now)
    return damage
  }

  /** The kernel logs that it rejects I/O of an address, and then which requests of the disk failed. */
  function addressJustRejected(disk: string, now: LogMoment): string | null {
    const [only, ...others] = rejected
    if (!only || others.length > 0 || !disk.startsWith('sd')) return null
    return isAfter(only.now, now, AT_EXPIRY_SECONDS) ? null : only.address
  }

  function fileSystemFailed({ device, type, what }: EventOf<'file system'>, now: LogMoment): void {
    const disk = diskOf(device)
    if (NOT_DISKS.test(disk)) return
    const failure = { device, type, what, at: now }
    const key = `${device} ${what}`
    const into = (failures: Damage['fileSystems']) => {
      if (!failures.has(key) && failures.size < MAX_ENTRIES) failures.set(key, failure)
    }
    const current = damageOfDisk(disk)
    // The file system failed during that outage: this message reports the consequence.
    if (current && hasFailureOf(current, device) && !suspects.isOfOther(current, now)) {
      if (!current.isRejected) ports.diskFailed(disk, now)
      return into(current.fileSystems)
    }
    const previous = blamed.get(disk)
    const previousCause = previous && 'cause' in previous ? previous.cause : null
    if (
      previousCause &&
      (!isAfter(previousCause.last, now, JOURNAL_ABORT_SECONDS) || hasFailureOf(previousCause, device))
    )
      return into(previousCause.fileSystems)
    const damage = damageOfUnanswered(disk, now)
    if (damage) return into(damage.fileSystems)
    const cause = causes.note('file-system', disk, null, now)
    attributeToCause(disk, cause)
    into(cause.fileSystems)
  }

  function noteCause(event: EventOf<'cause'>, now: LogMoment): void {
    const { cause: kind, subject, address, detail } = event
    if (address !== null && address !== subject)
      disks.add({ kind: 'disk', address, disk: subject, isNew: false })
    const openOutages = connections.all().flatMap(({ open }) => (open ? [open] : []))
    if (kind === 'hung-task' && openOutages.length > 0) {
      for (const outage of openOutages) outage.hungTasks++
      return
    }
    const disk = diskOf((address !== null && disks.name(address)) || subject)
    if (NOT_DISKS.test(disk)) return
    const cause = causes.note(kind, disk, detail, now, event.times)
    if (event.failedIo) cause.ioErrors++
    if (!isDeviceAnswer(kind)) return
    // The device answered, so its session had recovered.
    for (const session of disks.sessionsOf(disk) ?? []) connections.deviceAnswered(session, now)
    const [outage, ...others] = damageOfDisk(disk)?.suspects ?? []
    if (outage && others.length === 0) connections.deviceAnswered(outage, now)
    attributeToCause(disk, cause)
  }

  return {
    timerExpired,
    ioRejected,
    ioFailed,
    ataFailed: (event, now) => ports.portFailed(event, now),
    fileSystemFailed,
    causeNoted(event, now) {
      if (event.cause === 'device-reset') resets.add(event, now)
      else noteCause(event, now)
    },
    diskAttached: (address, now) => resets.attached(address, now),
    queueingEnded(map, now) {
      causes.note('queueing-ended', map, null, now)
      for (const { open } of connections.all()) if (open) open.queueingEnded = true
    },
    end() {
      resets.end()
      ports.end()
    },
    messagesSuppressed(lines, now) {
      if (!last) return
      if ('cause' in last) last.cause.ioErrors += lines
      else ('damage' in last ? last.damage : unnamedOf(last.outage, now)).errors += lines
    },
  }
}

function hasFailureOf({ fileSystems }: Damage | OpenCause, device: string): boolean {
  return [...fileSystems.values()].some((failure) => failure.device === device)
}
