import { syncFs } from '../../host/fs/sync.ts'
import { disksBeneath } from '../../host/read/beneath.ts'
import { readErrorCount } from '../../host/read/disks.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { WriteOut } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { BlockRef, Mount } from '../../model/snapshot.ts'
import { proveDevice, withProof } from '../../state/proof/prove.ts'
import { readRecord, writeRecord } from '../../state/records/volumes.ts'
import { reinstateFailedPaths } from './reinstate.ts'
import { whileCarried } from '../holding/while-carried.ts'
import type { Dismantling } from './dismantle.ts'

const DETACH_AGAIN =
  'Wait until the target is back, and detach it again; or discard the data: --force loses everything that was written but not yet synced.'

/**
 * Writes out a mounted file system and makes the kernel report write errors, which an unmount does not do. With
 * force, failures are warnings.
 * @throws FLUSH_FAILED written data is lost · TARGET_AWAY its hold map has had no path for a while · TIMEOUT
 */
export async function syncMount(work: Dismantling, device: BlockRef, mount: Mount): Promise<void> {
  const { host, steps, volume } = work
  if (mount.options.includes('ro')) return
  try {
    await steps.step('sync', mount.point, () =>
      withProof(
        () => proveDevice(host, volume, device),
        (proof) =>
          whileCarried(
            host,
            device,
            { hint: DETACH_AGAIN, reinstateFailedPaths: (over) => reinstateFailedPaths(work, over) },
            (signal) => syncFs(host, proof, mount.point, signal),
          ),
      ),
    )
    clearUnconfirmed(work, device.name)
  } catch (error) {
    if (!isLunkeeperError(error, 'FLUSH_FAILED', 'TARGET_AWAY', 'TIMEOUT')) throw error
    // The kernel reports the error once, to this call or to an abandoned one: the record remembers it.
    markUnconfirmed(work, device, error.code === 'FLUSH_FAILED' ? error.message : null)
    if (!work.force) throw error
    steps.warn(`written data is lost: ${error.message}`)
  }
}

/**
 * Records, before the unmount, that the device must still confirm its data. Does nothing without a record.
 * @param lost why written data is lost; null while that is not known
 */
export function markUnconfirmed(work: Dismantling, device: BlockRef, lost: string | null = null): void {
  const known = unconfirmedOf(work)
  if (known?.device === device.name && (known.lost !== null || lost === null)) return
  saveUnconfirmed(work, { device: device.name, errors: known?.errors ?? errorsOf(work, device.devno), lost })
}

/** The device whose data is not confirmed yet, according to the record; null if there is none. */
export function unconfirmedOf({ host, found }: Pick<Dismantling, 'host' | 'found'>): WriteOut | null {
  return found.record ? (readRecord(host, found.record.name)?.writeOut ?? null) : null
}

/**
 * After the unmount: whether any write failed meanwhile. The errors are counted before the disk is asked anything,
 * because a request that it rejects counts as well.
 * @throws FLUSH_FAILED unless forced
 */
export function refuseLostWrites(work: Dismantling): void {
  const unconfirmed = unconfirmedOf(work)
  if (!unconfirmed) return
  const lost = unconfirmed.lost ?? failedSince(work, unconfirmed)
  if (lost === null) return
  if (unconfirmed.lost === null) saveUnconfirmed(work, { ...unconfirmed, lost })
  const { found, force, steps } = work
  const message = `${found.name}: written data may be lost: ${lost}`
  if (!force)
    throw new LunkeeperError('FLUSH_FAILED', message, {
      hint: `Compare the data with a backup. lunkeeper detach ${found.name} --force detaches the volume anyway.`,
    })
  steps.warn(message)
}

/** Nothing is left to confirm: the device has confirmed its data, or is still mounted. */
export function clearUnconfirmed(work: Dismantling, device: string): void {
  const unconfirmed = unconfirmedOf(work)
  if (unconfirmed?.device === device && unconfirmed.lost === null) saveUnconfirmed(work, null)
}

/** Why data may have been lost since the counts were taken; null if none was. */
function failedSince(work: Dismantling, { device, errors }: WriteOut): string | null {
  const { host, found } = work
  const map = readMap(host.paths, device)
  if (map && isHoldMap(map)) {
    // Its paths' errors are queued; data is lost only if the hold ended.
    const ended = readHoldNote(host, found.record!.name)?.ended ?? null
    return ended === null ? null : 'its hold ended while it was being unmounted'
  }
  const devno = map?.devno ?? deviceNumber(work, device)
  if (devno === null) return `${device} is gone, and had not confirmed its data`
  const now = errorsOf(work, devno)
  // If one of several paths has no errors, it has carried everything.
  const isClean = Object.entries(errors).some(([hctl, count]) => now[hctl] === count)
  return isClean || Object.keys(errors).length === 0
    ? null
    : `commands to ${device} failed during the unmount`
}

function deviceNumber({ view }: Dismantling, name: string): string | null {
  return view().sessions.find(({ disk }) => disk?.name === name)?.disk?.devno ?? null
}

function errorsOf({ host }: Dismantling, devno: string): Record<string, number> {
  const { disks } = disksBeneath(host.paths, devno)
  return Object.fromEntries(
    disks.map(({ hctl }) => [formatHctl(hctl), readErrorCount(host.paths, hctl) ?? 0]),
  )
}

function saveUnconfirmed({ host, found }: Dismantling, writeOut: WriteOut | null): void {
  const record = found.record && readRecord(host, found.record.name)
  if (record) writeRecord(host, { ...record, writeOut })
}
