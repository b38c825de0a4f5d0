import { diskOf } from './conclude.ts'
import type { Connections } from './connections.ts'
import type { EventOf } from './event.ts'
import type { Moment } from './moment.ts'
import { isAfter, secondsBetween } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { inferExpiry } from './open-outage.ts'
import type { Scsi } from './scsi.ts'

/** An error that names no session is put down to an outage whose I/O failed so recently. */
const BY_TIME = 600
/** A command that was cut off too often fails right after the session is back. */
const SHORTLY = 60

/** To which outage each error belongs that the log has. */
export interface Charges {
  /** The outage whose timer has just run out. */
  expired(outage: OpenOutage): void
  refused(address: string, now: Moment): void
  failed(device: string, now: Moment): void
  broken(event: EventOf<'file system'>, now: Moment): void
  /** Lines that the kernel left out, of whatever it said last. */
  suppressed(lines: number): void
}

export function openCharges(connections: Connections, scsi: Scsi): Charges {
  /** Where the errors of a device went. */
  const charged = new Map<string, OpenOutage>()
  let lastCharged: OpenOutage | null = null

  /** The outage that an error belongs to: by the disk's session, else by time. */
  function outageOf(device: string, address: string | null, now: Moment): OpenOutage | null {
    const sessions = address === null ? scsi.sessionsOf(device) : scsi.sessionsAt(address)
    if (sessions !== null) {
      const theirs = connections.all().filter(({ session }) => sessions.includes(session))
      const outages = theirs.flatMap(({ outages }) => outages.slice(-1))
      // One that ended in time long ago has nothing to do with it.
      return latest(outages.filter((outage) => mayFail(outage, now))) ?? null
    }
    const before = charged.get(device)
    if (before && before.ended === null) return before
    const failed = connections
      .all()
      .filter(({ open }) => open && (open.expired !== null || address !== null))
      .filter(({ open }) => !isAfter(open!.lastSign, now, BY_TIME))
    const outage = latest(failed.map(({ open }) => open!))
    const [only] = failed
    if (failed.length === 1 && address !== null) scsi.belongs(address, only!.session)
    return outage ?? before ?? null
  }

  function charge(device: string, now: Moment): OpenOutage | null {
    const outage = outageOf(device, null, now)
    if (!outage) return null
    charged.set(device, outage)
    lastCharged = outage
    return outage
  }

  function refused(address: string, now: Moment): void {
    const outage = outageOf('', address, now)
    if (!outage) return
    if (!scsi.wasGivenUp(address)) inferExpiry(outage, now)
    outage.addresses.add(address)
    const disk = scsi.name(address)
    if (disk !== null) charged.set(disk, outage)
    if (outage.ended === null) outage.lastSign = now
    lastCharged = outage
  }

  function failed(device: string, now: Moment): void {
    const disk = diskOf(device)
    const outage = charge(disk, now)
    if (!outage) return
    count(outage, disk, 1)
    if (outage.ended === null && outage.expired) outage.lastSign = now
  }

  function broken({ device, type, what }: EventOf<'file system'>, now: Moment): void {
    const outage = charge(diskOf(device), now)
    const key = `${device} ${what}`
    if (outage && !outage.fileSystems.has(key)) outage.fileSystems.set(key, { device, type, what, at: now })
  }

  function suppressed(number: number): void {
    if (lastCharged) count(lastCharged, '', number)
  }

  return {
    expired: (outage) => void (lastCharged = outage),
    refused,
    failed,
    broken,
    suppressed,
  }
}

function mayFail({ ended, expired, back }: OpenOutage, now: Moment): boolean {
  return ended === null || expired !== null || (back !== null && !isAfter(back, now, SHORTLY))
}

/** The one whose I/O failed last: it was the last way. */
function latest(outages: readonly OpenOutage[]): OpenOutage | undefined {
  return outages.reduce<OpenOutage | undefined>((best, outage) => {
    if (!best || (outage.expired && !best.expired)) return outage
    if (!outage.expired || !best.expired) return best
    return (secondsBetween(best.expired, outage.expired) ?? 0) >= 0 ? outage : best
  }, undefined)
}

function count(outage: OpenOutage, device: string, number: number): void {
  outage.errors.set(device, (outage.errors.get(device) ?? 0) + number)
}
