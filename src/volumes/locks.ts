import { join } from 'node:path'

import type { Host } from '../host/host.ts'
import type { LockOptions } from '../host/lock/lock.ts'
import type { Iqn } from '../model/iqn.ts'
import type { Lun } from '../model/lun.ts'

/** An operation that holds a volume may wait for a file system check; whoever waits for it can go away and come back. */
const VOLUME_DEADLINE = 120_000
/** Held for logins (35 s at worst) and logouts, by each in turn. */
const TARGET_DEADLINE = 180_000

type LockArguments = [dir: string, key: string, options: LockOptions]

/** One operation at a time on a volume. Taken before the target's, which is held for short only. */
export function volumeLock(
  host: Host,
  { iqn, lun }: { iqn: Iqn; lun: Lun },
  what: string,
  signal?: AbortSignal,
): LockArguments {
  const options = { what: `${what} of LUN ${lun} of ${iqn}`, deadline: VOLUME_DEADLINE, signal }
  return [join(host.places.runtime, 'locks'), `volume ${iqn} ${lun}`, options]
}

/** Held while a file system is checked and mounted. */
export function mountLock(host: Host, point: string, signal?: AbortSignal): LockArguments {
  const options = { what: `mount at ${point}`, deadline: VOLUME_DEADLINE, signal }
  return [join(host.places.runtime, 'locks'), `mount ${point}`, options]
}

/** Between "nobody needs this session" and its logout, nobody may come to need it. */
export function targetLock(
  host: Host,
  { iqn }: { iqn: Iqn },
  what: string,
  signal?: AbortSignal,
): LockArguments {
  return [
    join(host.places.runtime, 'locks'),
    `target ${iqn}`,
    { what: `${what} at ${iqn}`, deadline: TARGET_DEADLINE, signal },
  ]
}
