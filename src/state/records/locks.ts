import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import type { LockOptions } from '../../host/lock/lock.ts'
import { isLocked, withLock } from '../../host/lock/lock.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import type { Wwid } from '../../model/wwid.ts'

/** An operation that holds a volume's lock may wait for a file system check; callers may time out and retry. */
const VOLUME_DEADLINE_MS = 120_000
const RETURN_DEADLINE_MS = 500
/** Held during logins (35 s at worst) and logouts, one after the other. */
const TARGET_DEADLINE_MS = 180_000

/** Twice the time allowed for opening a disk (host/disk/exclusive-open.ts), the longest call under this lock. */
const IDENTITY_DEADLINE_MS = 30_000

type LockArguments = [dir: string, key: string, options: LockOptions]

/**
 * Allows one operation at a time on a volume. Taken before the target's lock, which is held only briefly. Keyed by
 * the LUN of the original request: the volume may be at another LUN by now.
 */
export function volumeLock(
  host: Host,
  volume: Attachment | { readonly iqn: Iqn; readonly lun: Lun },
  what: string,
  signal?: AbortSignal,
): LockArguments {
  const { iqn, lun } = 'request' in volume ? asAsked(volume) : volume
  const options = { what: `${what} of LUN ${lun} of ${iqn}`, deadline: VOLUME_DEADLINE_MS, signal }
  return [join(host.places.runtime, 'locks'), `volume ${iqn} ${lun}`, options]
}

/** The volumes' locks that operations of this process hold under {@link withReturnLock}. */
const returning = new Set<string>()

/**
 * Whether a command, or an operation of this process, is at work on a volume; the return of a path does not count. It is not asked to
 * hurry.
 */
export async function isWorkedOnByCommand(host: Host, record: Attachment): Promise<boolean> {
  const [directory, key] = volumeLock(host, record, '')
  return !returning.has(join(directory, key)) && (await isLocked(directory, key))
}

/**
 * Does something with a volume's lock held that the agent retries anyway: another operation on the volume goes first, and is not
 * asked to hurry.
 * @throws LOCKED CANCELLED · as the work
 */
export function withReturnLock<T>(
  host: Host,
  record: Attachment,
  signal: AbortSignal,
  work: (wanted: AbortSignal) => Promise<T>,
): Promise<T> {
  const [directory, key, options] = volumeLock(host, record, 'return', signal)
  const patient = { ...options, deadline: RETURN_DEADLINE_MS, patient: true }
  return withLock(directory, key, patient, async (wanted) => {
    const held = join(directory, key)
    returning.add(held)
    try {
      return await work(wanted)
    } finally {
      returning.delete(held)
    }
  })
}

/** Held while a file system is checked and mounted. */
export function mountLock(host: Host, point: string, signal?: AbortSignal): LockArguments {
  const options = { what: `mount at ${point}`, deadline: VOLUME_DEADLINE_MS, signal }
  return [join(host.places.runtime, 'locks'), `mount ${point}`, options]
}

/**
 * Held from the check whether this node already has a volume until its identity is in a record: two attaches that reach
 * one volume through different targets or LUNs have different volume locks. Taken after the volume's lock.
 */
export function identityLock(host: Host, wwid: Wwid, signal?: AbortSignal): LockArguments {
  const options = { what: `check of ${wwid}`, deadline: IDENTITY_DEADLINE_MS, signal }
  return [join(host.places.runtime, 'locks'), `identity ${wwid.toLowerCase()}`, options]
}

/** Between the check that a session is not needed and its logout, no operation may start to need it. */
export function targetLock(
  host: Host,
  { iqn }: { iqn: Iqn },
  what: string,
  signal?: AbortSignal,
): LockArguments {
  return [
    join(host.places.runtime, 'locks'),
    `target ${iqn}`,
    { what: `${what} at ${iqn}`, deadline: TARGET_DEADLINE_MS, signal },
  ]
}
