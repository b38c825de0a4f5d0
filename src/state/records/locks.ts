import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import type { LockOptions } from '../../host/lock/lock.ts'
import { isLocked } from '../../host/lock/lock.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import type { Wwid } from '../../model/wwid.ts'

/** An operation that holds a volume may wait for a file system check; callers may time out and retry. */
const VOLUME_DEADLINE_MS = 120_000
const RETURN_DEADLINE_MS = 500
/** Held during logins (35 s at worst) and logouts, one after the other. */
const TARGET_DEADLINE_MS = 180_000

/** Twice the time allowed for opening a disk (host/disk/exclusive-open.ts), the longest call under this lock. */
const IDENTITY_DEADLINE_MS = 30_000

type LockArguments = [dir: string, key: string, options: LockOptions]

/**
 * One operation at a time on a volume. Taken before the target's lock, which is held only briefly. Keyed by the LUN of
 * the original request: the volume may be at another LUN since.
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

/** Whether a command, or an operation of this process, is at work on a volume. It is not asked to hurry. */
export function isWorkedOnByCommand(host: Host, record: Attachment): Promise<boolean> {
  const [directory, key] = volumeLock(host, record, '')
  return isLocked(directory, key)
}

/**
 * For operations that the agent retries anyway: another operation on the volume goes first, and is not asked to hurry.
 */
export function returnLock(host: Host, record: Attachment, signal: AbortSignal): LockArguments {
  const [directory, key, options] = volumeLock(host, record, 'return', signal)
  return [directory, key, { ...options, deadline: RETURN_DEADLINE_MS, patient: true }]
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
