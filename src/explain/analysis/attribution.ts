import type { EventOf } from '../message/event.ts'
import type { Causes, OpenCause } from './causes.ts'
import { isDeviceAnswer } from './causes.ts'
import { diskOf } from './conclude-outage.ts'
import type { Connections } from './connections.ts'
import type { LogMoment } from './moment.ts'
import { isAfter, secondsBetween } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { inferExpiry } from './open-outage.ts'
import type { DiskTopology } from './disk-topology.ts'

/** An error of a disk whose session is unknown is attributed to an outage whose I/O failed this recently. */
const UNATTRIBUTED_SECONDS = 600
/** A command whose retries are used up fails within this time after the session is back. */
const AFTER_RETURN_SECONDS = 60
/** A file system reports a failed write within this time: at the next commit of its journal, or when it is used. */
const JOURNAL_ABORT_SECONDS = 120
/** A hostile log could name any number of devices. */
const MAX_ENTRIES = 5000
/** Devices that are never iSCSI disks. */
const NEVER_ISCSI = /^(?:fd|sr|loop|nvme|zram|ram|mmcblk|nbd|vd)\d*/

/** Attributes each error in the log to an outage or to another cause. */
export interface ErrorAttribution {
  /** The recovery timer expired during this outage. */
  timerExpired(outage: OpenOutage): void
  ioRejected(address: string, now: LogMoment): void
  ioFailed(device: string, now: LogMoment): void
  fileSystemFailed(event: EventOf<'file system'>, now: LogMoment): void
  /** A message names a cause, for example the answer of a device. */
  causeNoted(event: EventOf<'cause'>, now: LogMoment): void
  queueingEnded(map: string, now: LogMoment): void
  /** The kernel suppressed messages about failed I/O. They are counted where its last message was attributed. */
  messagesSuppressed(lines: number): void
}

export function openAttribution(
  connections: Connections,
  disks: DiskTopology,
  causes: Causes,
): ErrorAttribution {
  /** What the errors of a device were last attributed to: an outage, or another cause. */
  const outageOfDevice = new Map<string, OpenOutage>()
  const causeOfDevice = new Map<string, OpenCause>()
  let last: { outage: OpenOutage } | { cause: OpenCause } | null = null

  /** The outage that an error belongs to: by the session of the disk; if that is unknown, by time. */
  function outageOf(device: string, address: string | null, now: LogMoment): OpenOutage | null {
    const sessions = address === null ? disks.sessionsOf(device) : disks.sessionsAt(address)
    if (sessions !== null) {
      const ofSessions = connections.all().filter(({ session }) => sessions.includes(session))
      const outages = ofSessions.flatMap(({ outages }) => outages.slice(-1))
      // An outage that ended long ago cannot be the reason.
      return lastToFail(outages.filter((outage) => canStillFail(outage, now))) ?? null
    }
    const previous = outageOfDevice.get(device)
    if (previous && previous.ended === null) return previous
    const candidates = connections
      .all()
      .filter(({ open }) => open && (open.expired !== null || open.deviceOfflined || address !== null))
      .filter(({ open }) => !isAfter(open!.lastSignOfLoss, now, UNATTRIBUTED_SECONDS))
    const outage = lastToFail(candidates.map(({ open }) => open!))
    const [only] = candidates
    if (candidates.length === 1 && address !== null) disks.assign(address, only!.session)
    return outage ?? (previous && canStillFail(previous, now) ? previous : null)
  }

  function attributeToOutage(device: string, now: LogMoment): OpenOutage | null {
    const outage = outageOf(device, null, now)
    if (!outage) return null
    if (outageOfDevice.size < MAX_ENTRIES) outageOfDevice.set(device, outage)
    causeOfDevice.delete(device)
    last = { outage }
    return outage
  }

  function attributeToCause(device: string, cause: OpenCause): void {
    if (causeOfDevice.size < MAX_ENTRIES) causeOfDevice.set(device, cause)
    outageOfDevice.delete(device)
    last = { cause }
  }

  function ioRejected(address: string, now: LogMoment): void {
    const outage = outageOf('', address, now)
    if (!outage) return
    if (disks.wasOfflined(address)) outage.deviceOfflined = true
    else inferExpiry(outage, now)
    if (outage.addresses.size < MAX_ENTRIES) outage.addresses.add(address)
    const disk = disks.name(address)
    if (disk !== null && outageOfDevice.size < MAX_ENTRIES) outageOfDevice.set(disk, outage)
    if (outage.ended === null) outage.lastSignOfLoss = now
    last = { outage }
  }

  function ioFailed(device: string, now: LogMoment): void {
    const disk = diskOf(device)
    const answer = causes.recentOf(disk, now)
    if (answer) {
      answer.ioErrors++
      attributeToCause(disk, answer)
      return
    }
    const outage = attributeToOutage(disk, now)
    if (outage) {
      addErrors(outage, disk, 1)
      if (outage.ended === null && outage.expired) outage.lastSignOfLoss = now
      return
    }
    if (NEVER_ISCSI.test(disk) || isNotIscsi(disk)) return
    const cause = causes.note('io-error', disk, null, now)
    cause.ioErrors++
    attributeToCause(disk, cause)
  }

  /** Whether the disk certainly belongs to no iSCSI session. */
  function isNotIscsi(disk: string): boolean {
    return disks.sessionsOf(disk)?.length === 0
  }

  function fileSystemFailed({ device, type, what }: EventOf<'file system'>, now: LogMoment): void {
    const disk = diskOf(device)
    const failure = { device, type, what, at: now }
    const key = `${device} ${what}`
    const into = (failures: OpenOutage['fileSystems']) => {
      if (!failures.has(key) && failures.size < MAX_ENTRIES) failures.set(key, failure)
    }
    const previousCause = causeOfDevice.get(disk)
    if (
      previousCause &&
      (!isAfter(previousCause.last, now, JOURNAL_ABORT_SECONDS) || hasFailureOf(previousCause, device))
    )
      return into(previousCause.fileSystems)
    const previous = outageOfDevice.get(disk)
    // The file system failed during that outage: this message reports the consequence.
    if (previous && hasFailureOf(previous, device)) return into(previous.fileSystems)
    const outage = attributeToOutage(disk, now)
    if (outage) return into(outage.fileSystems)
    if (NEVER_ISCSI.test(disk) || isNotIscsi(disk)) return
    const cause = causes.note('file-system', disk, null, now)
    attributeToCause(disk, cause)
    into(cause.fileSystems)
  }

  function causeNoted(event: EventOf<'cause'>, now: LogMoment): void {
    const { cause: kind, subject, address, detail } = event
    if (address !== null && address !== subject) disks.add({ kind: 'disk', address, disk: subject })
    const openOutages = connections.all().flatMap(({ open }) => (open ? [open] : []))
    if (kind === 'hung-task' && openOutages.length > 0) {
      for (const outage of openOutages) outage.hungTasks++
      return
    }
    const disk = diskOf((address !== null && disks.name(address)) || subject)
    if (NEVER_ISCSI.test(disk)) return
    const cause = causes.note(kind, disk, detail, now)
    if (event.failedIo) cause.ioErrors++
    if (!isDeviceAnswer(kind)) return
    // The device answered, so its session had recovered.
    for (const session of disks.sessionsOf(disk) ?? []) connections.deviceAnswered(session, now)
    const previous = outageOfDevice.get(disk)
    if (previous) connections.deviceAnswered(previous, now)
    attributeToCause(disk, cause)
  }

  return {
    timerExpired: (outage) => void (last = { outage }),
    ioRejected,
    ioFailed,
    fileSystemFailed,
    causeNoted,
    queueingEnded(map, now) {
      causes.note('queueing-ended', map, null, now)
      for (const { open } of connections.all()) if (open) open.queueingEnded = true
    },
    messagesSuppressed(lines) {
      if (!last) return
      if ('outage' in last) addErrors(last.outage, '', lines)
      else last.cause.ioErrors += lines
    },
  }
}

function hasFailureOf({ fileSystems }: OpenOutage | OpenCause, device: string): boolean {
  return [...fileSystems.values()].some((failure) => failure.device === device)
}

/** Whether an outage can be the reason of an error now: it is open, or ended a moment ago. */
function canStillFail({ ended, back, lastSignOfLoss }: OpenOutage, now: LogMoment): boolean {
  return ended === null || !isAfter(back ?? lastSignOfLoss, now, AFTER_RETURN_SECONDS)
}

/** Of several outages, the one whose timer expired last: that of the last path. */
function lastToFail(outages: readonly OpenOutage[]): OpenOutage | undefined {
  return outages.reduce<OpenOutage | undefined>((best, outage) => {
    if (!best || (outage.expired && !best.expired)) return outage
    if (!outage.expired || !best.expired) return best
    return (secondsBetween(best.expired, outage.expired) ?? 0) >= 0 ? outage : best
  }, undefined)
}

function addErrors(outage: OpenOutage, name: string, number: number): void {
  const device = outage.errors.size < MAX_ENTRIES || outage.errors.has(name) ? name : ''
  outage.errors.set(device, (outage.errors.get(device) ?? 0) + number)
}
