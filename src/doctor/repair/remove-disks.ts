import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import { readOwnDirtyBytes } from '../../host/memory/dirty-data.ts'
import { syncDevice } from '../../host/disk/sync.ts'
import type { Host } from '../../host/host.ts'
import { WorkerError } from '../../host/worker/worker.ts'
import { withLock } from '../../host/lock/lock.ts'
import { expectedDisks } from '../../host/read/disk-use.ts'
import { readDisk } from '../../host/read/disks.ts'
import { readSessions } from '../../host/read/sessions.ts'
import { formatBytes } from '../../model/bytes.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import { defaultName } from '../../model/name.ts'
import { parseLun } from '../../model/lun.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { proveDevice, withProof } from '../../state/proof/prove.ts'
import { lastingOpeners, openable, sayOpeners } from '../../state/view/openers.ts'
import type { Observer, OperationControl } from '../../volumes/step.ts'
import { stepper } from '../../volumes/step.ts'
import type { Tables } from './disk-use.ts'
import { readDiskUse, whyKept } from './disk-use.ts'
import type { PlannedDisk } from './plan.ts'

/** If the lock is held, an operation is working on this LUN: then the disk is not a phantom. */
const LOCK_DEADLINE_MS = 500
/** More reasons than that would not make the message clearer. */
const MAX_NAMED = 3

export interface Removed {
  readonly removed: number
  /** Why other disks stayed, one text for each; empty if none did. */
  readonly kept: readonly string[]
}

/**
 * Removes disks of a session that nothing uses, one after the other. Immediately before, each is proven unused: by
 * its holders, mounts, live file systems, openers, tables and records, and by an exclusive open that is held until
 * the disk is gone. Its data is not touched. A disk that is used, or does not answer, stays.
 */
export async function removePhantoms(
  host: Host,
  sid: number,
  iqn: string,
  disks: readonly PlannedDisk[],
  options: OperationControl = {},
): Promise<Removed> {
  const kept: string[] = []
  const tables = expectedDisks(host.paths)
  let removed = 0
  for (const planned of disks) {
    if (options.signal?.aborted) {
      kept.push(`${planned.disk}: stopped before`)
      continue
    }
    try {
      const why = await removeOne(host, sid, iqn, planned, tables, options)
      if (why === null) removed++
      else kept.push(`${planned.disk}: ${why}`)
    } catch (error) {
      kept.push(`${planned.disk}: ${(error as Error).message}`)
      // Every further disk of the session would wait just as long.
      if (isLunkeeperError(error, 'STUCK')) {
        const left = disks.length - removed - kept.length
        if (left > 0) kept.push(`${left} more: session ${sid} does not answer`)
        break
      }
    }
  }
  return { removed, kept }
}

/** For a message. */
export function sayKept(kept: readonly string[]): string {
  const more = kept.length > MAX_NAMED ? `; and ${kept.length - MAX_NAMED} more` : ''
  return `left: ${kept.slice(0, MAX_NAMED).join('; ')}${more}`
}

/** @returns why it stays; null if it is gone */
async function removeOne(
  host: Host,
  sid: number,
  iqn: string,
  planned: PlannedDisk,
  tables: Tables,
  { observer = {}, signal }: OperationControl,
): Promise<string | null> {
  const session = readSessions(host.paths).find((one) => one.sid === sid)
  if (!session || session.iqn !== iqn) return null
  const lun = parseLun(planned.lun)
  const [directory, key, lock] = volumeLock(host, { iqn: session.iqn, lun }, 'doctor', signal)
  try {
    return await withLock(directory, key, { ...lock, deadline: LOCK_DEADLINE_MS, patient: true }, () =>
      removeLocked(host, session, planned, tables, observer),
    )
  } catch (error) {
    if (isLunkeeperError(error, 'LOCKED')) return 'an operation on this LUN is in progress'
    throw error
  }
}

/** Removes the disk while the lock makes an attach of this LUN wait. */
async function removeLocked(
  host: Host,
  session: Session,
  planned: PlannedDisk,
  tables: Tables,
  observer: Observer,
): Promise<string | null> {
  const look = () => {
    const disk = readDisk(host.paths, session, parseLun(planned.lun))
    const isSame = disk?.name === planned.disk && formatHctl(disk.hctl) === planned.hctl
    return isSame ? disk : null
  }
  const disk = look()
  // The disk is gone, or is another one by now.
  if (!disk) return null
  const why = whyKept(readDiskUse(host, session, disk, tables))
  if (why !== null) return why
  const ended = await withExclusiveOpen(host, planned.disk, async () => {
    const claimed = look()
    if (!claimed) return { why: null }
    // Check for programs that have it open without claiming it, such as a virtual machine, and for anything that
    // has changed meanwhile.
    const late = (await whoHasItOpen(host, claimed)) ?? whyKept(readDiskUse(host, session, claimed, tables))
    if (late !== null) return { why: late }
    const unwritten = await whyUnwritten(host, session, claimed)
    if (unwritten !== null) return { why: unwritten }
    const steps = stepper(defaultName(session.iqn, claimed.hctl.lun), observer)
    await steps.step('delete-disk', planned.disk, () => removeDisk(host, claimed))
    return { why: null }
  })
  return ended === null
    ? 'something has claimed it: a mount in another namespace, swap, the kernel'
    : ended.why
}

/** Answers after which nothing can, or may, be written to the disk. */
const GONE = ['LUN_ABSENT', 'IDENTITY_MISMATCH'] as const
const SYNC_DEADLINE_MS = 30_000

/**
 * A program that has closed the disk may have left data in memory, and no longer has a descriptor: the data is
 * written out first. A disk that does not say which volume it is stays: it may only be busy.
 * @returns why that did not work; null if it did, or if nothing can be written to it, and nothing is known to wait for that
 */
async function whyUnwritten(host: Host, { iqn }: Session, disk: ScsiDisk): Promise<string | null> {
  const volume = { name: defaultName(iqn, disk.hctl.lun), identity: disk.cached }
  try {
    for (const device of [...disk.partitions, openable(disk)].filter((one) => one !== null)) {
      const failed = await withProof(
        () => proveDevice(host, volume, device),
        (proof) => syncDevice(host, proof, device, SYNC_DEADLINE_MS),
      )
      if (failed !== null) return `it did not accept the data written to it: ${failed}`
    }
    return null
  } catch (error) {
    // Another node has reserved it (EBADE): this node may not write to it.
    if (isLunkeeperError(error, ...GONE) || isReserved(error)) {
      const bytes = disk.devno === null ? null : readOwnDirtyBytes(host.paths, disk.devno)
      return bytes ? `${formatBytes(bytes)} written to it would be lost: ${(error as Error).message}` : null
    }
    if (isLunkeeperError(error, 'STUCK')) throw error
    if (isLunkeeperError(error)) return `it could not be written out: ${error.message}`
    throw error
  }
}

function isReserved(error: unknown): boolean {
  const cause = error instanceof LunkeeperError ? error.cause : null
  return cause instanceof WorkerError && cause.errno === 'EBADE'
}

async function whoHasItOpen(host: Host, disk: ScsiDisk): Promise<string | null> {
  const device = openable(disk)
  if (!device) throw new LunkeeperError('NOT_FOUND', 'the kernel has not given it a name yet')
  const openers = await lastingOpeners(host, [device])
  return openers.length > 0 ? sayOpeners(openers) : null
}
