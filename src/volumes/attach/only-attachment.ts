import { whenAppears } from '../../host/disk/appear.ts'
import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import { holdMapName } from '../../host/map/hold-map.ts'
import { removePath } from '../../host/map/multipath.ts'
import { readDisk } from '../../host/read/disks.ts'
import { isFsAlive } from '../../host/read/file-systems.ts'
import { isMultipath, isPartitionOfMultipath, readMap } from '../../host/read/maps.ts'
import type { VolumeDisk } from '../../host/read/volume-disks.ts'
import { readVolumeDisks } from '../../host/read/volume-disks.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { attachedAs } from '../../model/plan/attached-as.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { identityLock } from '../../state/records/locks.ts'
import { disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { lastingOpeners, sayOpeners } from '../../state/view/openers.ts'
import { readRecords } from '../../state/records/volumes.ts'
import type { Device } from '../../state/view/users.ts'
import { describeUsers, deviceOfMap, mountsOf } from '../../state/view/users.ts'
import { attachedAlready } from './attached-already.ts'
import { refuseOtherHoldMap } from './foreign.ts'
import type { Path } from './path.ts'

/** multipathd reloads the map without the disk before it answers. */
const LEAVE_DEADLINE_MS = 5_000

interface OnlyWork {
  readonly host: Host
  readonly record: Attachment
  /** The disks of this attach, whose identity was just verified. */
  readonly paths: readonly Path[]
  /** The sessions whose disk of this LUN was created by this attach. */
  readonly scanned: ReadonlySet<number>
  readonly signal: AbortSignal | undefined
}

/**
 * Verifies that nothing else on this node has the volume, and runs `learn`, which writes the identity into this
 * attachment's record, before another attach can make the same check. One LUN may be reachable through several
 * targets, LUN numbers and addresses; a second mount, even a read-only one, would be a second user of one file
 * system.
 * @throws ATTACHED_ALREADY another attachment has it · BUSY another disk of it is in use by other software · LOCKED
 */
export async function asOnlyAttachment(work: OnlyWork, learn: () => Promise<void>): Promise<void> {
  const { host, record, paths, signal } = work
  const { identity } = paths[0]!
  // Disks that have only a serial cannot be compared: other vendors, and other arrays, may use the same serial.
  if (identity.wwid === null) {
    refuseOtherHoldMap(host, record.name, paths)
    return learn()
  }
  await withLock(...identityLock(host, identity.wwid, signal), async () => {
    try {
      await refuseOthers(work, identity)
      refuseOtherHoldMap(host, record.name, paths)
    } catch (error) {
      await leaveMaps(work)
      throw error
    }
    await learn()
  })
}

/** @throws ATTACHED_ALREADY BUSY */
async function refuseOthers(work: OnlyWork, identity: Identity): Promise<void> {
  const { host, record, paths } = work
  const { attachments } = readRecords(host)
  const other = attachedAs(record, identity, attachments, (one) => isInKernel(host, one))
  if (other) throw attachedElsewhere(other, record)
  const own = new Set(paths.map(({ disk }) => disk.name))
  for (const twin of readVolumeDisks(host.paths, identity))
    if (!own.has(twin.name)) await refuseUsed(work, twin)
}

/**
 * multipathd adds a new disk to the map of the other user, which has the same WWID. To undo this attach, its disks
 * must be outside that map, which would otherwise be taken for its own. Disks that existed before stay there.
 */
async function leaveMaps({ host, record, paths, scanned }: OnlyWork): Promise<void> {
  if (record.identity !== null) return
  const made = paths.filter(({ session }) => scanned.has(session.sid))
  const own = new Set(made.map(({ disk }) => disk.name))
  for (const { session, disk } of made) {
    const isShared = () => {
      const now = readDisk(host.paths, session, record.request.lun, { identity: false })
      const maps = (now?.holders ?? []).map((holder) => readMap(host.paths, holder))
      return maps.some((map) => map && isMultipath(map) && map.slaves.some((slave) => !own.has(slave)))
    }
    if (!isShared()) continue
    await removePath(host, disk.name)
    await whenAppears(host, () => (isShared() ? null : true), LEAVE_DEADLINE_MS)
  }
}

function isInKernel(host: Host, attachment: Attachment): boolean {
  const view = lookAtAttachment(host, attachment)
  return view.maps.length > 0 || disksOf(view).length > 0
}

function attachedElsewhere(other: Attachment, own: Attachment): LunkeeperError {
  const { name, request, identity, device } = other
  const { iqn, lun, use } = request
  const place = use.mount ? `mounted at ${use.mount}` : `used as ${device ?? 'a raw device'}`
  return attachedAlready(
    other,
    `LUN ${own.request.lun} of ${own.request.iqn} is the same volume as ${name} (LUN ${lun} of ${iqn}), which is ${place}: both are ${identity!.wwid}`,
    '. If they really are two volumes, the storage system gives both the same WWID: change one of them there.',
  )
}

/** @throws BUSY */
async function refuseUsed(work: OnlyWork, twin: VolumeDisk): Promise<void> {
  const users = await usersOf(work, twin, twin.state === 'running')
  if (users === null) return
  throw new LunkeeperError(
    'BUSY',
    `${twin.name} is another disk of the same volume, and it is in use: ${users}`,
    { hint: 'Stop the users named in the message, so that the volume has one user on this node.' },
  )
}

/** The user of a device; null if there is none, or it is a path of this attachment's own map. */
async function usersOf(work: OnlyWork, device: Device, canOpen: boolean): Promise<string | null> {
  const { host, signal } = work
  const maps = device.holders.map((holder) => readMap(host.paths, holder))
  if (maps.some((map) => map && isOwn(work, map))) return null
  // A multipath map alone is not a user: multipathd creates it on every disk that it may use.
  const passed = maps.filter((map) => map && (isMultipath(map) || isPartitionOfMultipath(map)))
  if (passed.length < maps.length || mountsOf(host, device).length > 0 || isFsAlive(host.paths, device.name))
    return describeUsers(host, [device])
  for (const map of passed) {
    const users = await usersOf(work, deviceOfMap(map!), canOpen)
    if (users !== null) return users
  }
  const openers = await lastingOpeners(host, [device, ...device.partitions], signal)
  if (openers.length > 0) return sayOpeners(openers)
  if (passed.length > 0 || !canOpen || (await isFree(host, device))) return null
  return describeUsers(host, [device])
}

function isOwn({ record, paths }: OnlyWork, map: DmMap): boolean {
  return (
    map.name === holdMapName(record.name) ||
    (isMultipath(map) && paths.some(({ disk }) => map.slaves.includes(disk.name)))
  )
}

/** Users that neither /proc nor sysfs shows (swap, a mount in another namespace) still claim the device. */
async function isFree(host: Host, device: Device): Promise<boolean> {
  try {
    return (await withExclusiveOpen(host, device.name, async () => true, { patient: true })) ?? false
  } catch (error) {
    // The disk is gone, or its session was just lost: nothing can write to it.
    if (isLunkeeperError(error, 'NOT_FOUND')) return true
    throw error
  }
}
