import type { EventOf } from '../message/event.ts'
import type { Causes, OpenCause } from './causes.ts'
import { isAnswer } from './causes.ts'
import { diskOf } from './conclude.ts'
import type { Connections } from './connections.ts'
import type { Moment } from './moment.ts'
import { isAfter, secondsBetween } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { inferExpiry } from './open-outage.ts'
import type { Scsi } from './scsi.ts'

/** An error that names no session is attributed to an outage whose I/O failed this recently. */
const BY_TIME = 600
/** A command that was retried too often fails right after the session is back. */
const SHORTLY = 60
/** A journal that could not be written is aborted at the next commit, or at the next use of the file system. */
const FOLLOWS = 120
/** A hostile log could name any number of devices. */
const MOST_ENTRIES = 5000
/** Drives that fail in every machine's log and are never a LUN. */
const NEVER_A_LUN = /^(?:fd|sr|loop|nvme|zram|ram|mmcblk|nbd|vd)\d*/

/** Attributes each error in the log to an outage or another cause. */
export interface Charges {
  /** The outage whose timer has just expired. */
  expired(outage: OpenOutage): void
  refused(address: string, now: Moment): void
  failed(device: string, now: Moment): void
  broken(event: EventOf<'file system'>, now: Moment): void
  /** The answer of a device, or anything else that names a cause. */
  caused(event: EventOf<'cause'>, now: Moment): void
  queueingEnded(map: string, now: Moment): void
  /** Lines that the kernel left out, of the kind that it printed last. */
  suppressed(lines: number): void
}

export function openCharges(connections: Connections, scsi: Scsi, causes: Causes): Charges {
  /** Where the errors of a device were attributed last. */
  const charged = new Map<string, OpenOutage>()
  const explained = new Map<string, OpenCause>()
  let last: { outage: OpenOutage } | { cause: OpenCause } | null = null

  /** The outage that an error belongs to: by the disk's session, otherwise by time. */
  function outageOf(device: string, address: string | null, now: Moment): OpenOutage | null {
    const sessions = address === null ? scsi.sessionsOf(device) : scsi.sessionsAt(address)
    if (sessions !== null) {
      const theirs = connections.all().filter(({ session }) => sessions.includes(session))
      const outages = theirs.flatMap(({ outages }) => outages.slice(-1))
      // An outage that ended some time ago is not related.
      return latest(outages.filter((outage) => mayFail(outage, now))) ?? null
    }
    const earlier = charged.get(device)
    if (earlier && earlier.ended === null) return earlier
    const failed = connections
      .all()
      .filter(({ open }) => open && (open.expired !== null || open.givenUp || address !== null))
      .filter(({ open }) => !isAfter(open!.lastSign, now, BY_TIME))
    const outage = latest(failed.map(({ open }) => open!))
    const [only] = failed
    if (failed.length === 1 && address !== null) scsi.belongs(address, only!.session)
    return outage ?? (earlier && mayFail(earlier, now) ? earlier : null)
  }

  function charge(device: string, now: Moment): OpenOutage | null {
    const outage = outageOf(device, null, now)
    if (!outage) return null
    if (charged.size < MOST_ENTRIES) charged.set(device, outage)
    explained.delete(device)
    last = { outage }
    return outage
  }

  function explain(device: string, cause: OpenCause): void {
    if (explained.size < MOST_ENTRIES) explained.set(device, cause)
    charged.delete(device)
    last = { cause }
  }

  function refused(address: string, now: Moment): void {
    const outage = outageOf('', address, now)
    if (!outage) return
    if (scsi.wasGivenUp(address)) outage.givenUp = true
    else inferExpiry(outage, now)
    if (outage.addresses.size < MOST_ENTRIES) outage.addresses.add(address)
    const disk = scsi.name(address)
    if (disk !== null && charged.size < MOST_ENTRIES) charged.set(disk, outage)
    if (outage.ended === null) outage.lastSign = now
    last = { outage }
  }

  function failed(device: string, now: Moment): void {
    const disk = diskOf(device)
    const answer = causes.recentOf(disk, now)
    if (answer) {
      answer.ioErrors++
      explain(disk, answer)
      return
    }
    const outage = charge(disk, now)
    if (outage) {
      count(outage, disk, 1)
      if (outage.ended === null && outage.expired) outage.lastSign = now
      return
    }
    if (NEVER_A_LUN.test(disk) || isElsewhere(disk)) return
    const cause = causes.note('io-error', disk, null, now)
    cause.ioErrors++
    explain(disk, cause)
  }

  /** Certainly not of an iSCSI session. */
  function isElsewhere(disk: string): boolean {
    return scsi.sessionsOf(disk)?.length === 0
  }

  function broken({ device, type, what }: EventOf<'file system'>, now: Moment): void {
    const disk = diskOf(device)
    const failure = { device, type, what, at: now }
    const key = `${device} ${what}`
    const into = (failures: OpenOutage['fileSystems']) => {
      if (!failures.has(key) && failures.size < MOST_ENTRIES) failures.set(key, failure)
    }
    const known = explained.get(disk)
    if (known && (!isAfter(known.last, now, FOLLOWS) || hasBroken(known, device)))
      return into(known.fileSystems)
    const earlier = charged.get(disk)
    // A later report about a journal that was aborted earlier.
    if (earlier && hasBroken(earlier, device)) return into(earlier.fileSystems)
    const outage = charge(disk, now)
    if (outage) return into(outage.fileSystems)
    if (NEVER_A_LUN.test(disk) || isElsewhere(disk)) return
    const cause = causes.note('file-system', disk, null, now)
    explain(disk, cause)
    into(cause.fileSystems)
  }

  function caused(event: EventOf<'cause'>, now: Moment): void {
    const { cause: kind, subject, address, detail } = event
    if (address !== null && address !== subject) scsi.tell({ kind: 'disk', address, disk: subject })
    const waiting = connections.all().flatMap(({ open }) => (open ? [open] : []))
    if (kind === 'hung-task' && waiting.length > 0) {
      for (const outage of waiting) outage.hungTasks++
      return
    }
    const disk = diskOf((address !== null && scsi.name(address)) || subject)
    if (NEVER_A_LUN.test(disk)) return
    const cause = causes.note(kind, disk, detail, now)
    if (event.failedIo) cause.ioErrors++
    if (!isAnswer(kind)) return
    // A device whose disk answers is reachable.
    for (const session of scsi.sessionsOf(disk) ?? []) connections.answered(session, now)
    const before = charged.get(disk)
    if (before) connections.answered(before, now)
    explain(disk, cause)
  }

  return {
    expired: (outage) => void (last = { outage }),
    refused,
    failed,
    broken,
    caused,
    queueingEnded(map, now) {
      causes.note('queueing-ended', map, null, now)
      for (const { open } of connections.all()) if (open) open.queueingEnded = true
    },
    suppressed(lines) {
      if (!last) return
      if ('outage' in last) count(last.outage, '', lines)
      else last.cause.ioErrors += lines
    },
  }
}

function hasBroken({ fileSystems }: OpenOutage | OpenCause, device: string): boolean {
  return [...fileSystems.values()].some((failure) => failure.device === device)
}

function mayFail({ ended, back, lastSign }: OpenOutage, now: Moment): boolean {
  return ended === null || !isAfter(back ?? lastSign, now, SHORTLY)
}

/** The outage whose I/O failed last, because it was the last path. */
function latest(outages: readonly OpenOutage[]): OpenOutage | undefined {
  return outages.reduce<OpenOutage | undefined>((best, outage) => {
    if (!best || (outage.expired && !best.expired)) return outage
    if (!outage.expired || !best.expired) return best
    return (secondsBetween(best.expired, outage.expired) ?? 0) >= 0 ? outage : best
  }, undefined)
}

function count(outage: OpenOutage, name: string, number: number): void {
  const device = outage.errors.size < MOST_ENTRIES || outage.errors.has(name) ? name : ''
  outage.errors.set(device, (outage.errors.get(device) ?? 0) + number)
}
