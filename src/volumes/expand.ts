import { identify } from '../host/disk/identify.ts'
import { rescanDisk } from '../host/disk/remove.ts'
import { growFs } from '../host/fs/grow.ts'
import type { Host } from '../host/host.ts'
import { withLock } from '../host/lock/lock.ts'
import { requireRoot } from '../host/root.ts'
import { tablePath } from './holding/map-paths.ts'
import { refuseMisplaced } from './holding/misplaced.ts'
import { loadHoldMap } from '../host/map/hold-map.ts'
import { isHoldMap } from '../host/read/maps.ts'
import { resizeMap } from '../host/map/multipath.ts'
import { readMap } from '../host/read/maps.ts'
import type { Attachment, VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Identity } from '../model/identity.ts'
import { nameDifference } from '../model/identity.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'
import { recordAct } from '../state/records/history.ts'
import { volumeLock } from '../state/records/locks.ts'
import type { VolumeView } from '../state/view/volume.ts'
import { deviceOfVolume, disksOf, lookAtAttachment } from '../state/view/volume.ts'
import { readRecord, writeRecord } from '../state/records/volumes.ts'
import { proveDevice, proveDisks, withProof } from '../state/proof/prove.ts'
import { statusOf } from '../state/view/status.ts'
import type { Observer, Stepper } from './step.ts'
import { stepper } from './step.ts'
import { mountsOf } from '../state/view/users.ts'
import { parseName } from '../model/name.ts'

/** The result of `expand`. A published contract. */
export interface ExpandReport extends VolumeStatus {
  /** Bytes before and after; equal if there was nothing to do. */
  readonly expanded: { readonly from: number; readonly to: number }
}

/**
 * Resizes a volume to the current size of its LUN: every path, then the map, then the mounted file system. After a
 * failure, run it again: it continues.
 * @throws NOT_FOUND TARGET_AWAY IDENTITY_MISMATCH FENCED SHRUNK RESIZE_FAILED
 */
export async function expand(
  host: Host,
  name: string,
  options: { observer?: Observer; signal?: AbortSignal } = {},
): Promise<ExpandReport> {
  requireRoot('expanding a volume')
  const first = recordOf(host, name)
  return withLock(...volumeLock(host, first, 'expand', options.signal), async () => {
    const record = recordOf(host, name)
    refuseMisplaced(host, record)
    const steps = stepper(record.name, options.observer ?? {})
    const view = lookAtAttachment(host, record)
    const sizes = sizesOf(record, view)
    const identity = await proveSize(host, record, view, Math.max(...sizes))
    for (const disk of disksOf(view))
      if (disk.bytes !== identity.bytes)
        await steps.step('rescan', disk.name ?? 'disk', () => rescan(host, record, disk, identity.bytes))
    for (const map of view.maps) await growMap(host, record, map, disksOf(view), identity.bytes, steps)
    await growMounted(host, record, steps)
    const grown = { ...record, identity: { ...(record.identity ?? identity), bytes: identity.bytes } }
    if (record.identity?.bytes !== identity.bytes) writeRecord(host, grown)
    const expanded = { from: Math.min(...sizes), to: identity.bytes }
    if (expanded.from !== expanded.to) recordAct(host, record.name, { event: 'expanded', ...expanded })
    return { ...(await statusOf(host, grown)), expanded }
  })
}

function recordOf(host: Host, name: string): Attachment {
  const record = readRecord(host, parseName(name))
  if (!record) throw new LunkeeperError('NOT_FOUND', `there is no volume named "${name}"`)
  if (record.phase !== 'ready')
    throw new LunkeeperError('CONFLICT', `${name} is ${record.phase}`, {
      hint: 'Finish that operation first: run the same command again.',
    })
  return record
}

/** All sizes found on this node. They differ after an interrupted run: the smallest is the old one. */
function sizesOf({ identity }: Attachment, { maps, sessions }: VolumeView): number[] {
  const seen = [...maps, ...sessions.flatMap(({ disk }) => disk ?? [])].map(({ bytes }) => bytes)
  // 0: another program rescanned the disk while its LUN was not mapped.
  return [identity?.bytes ?? 0, ...seen].filter((bytes) => bytes > 0)
}

/**
 * Asks once more immediately before the rescan: if the LUN was unmapped meanwhile, its disk would become 0 bytes
 * long.
 */
async function rescan(host: Host, record: Attachment, disk: ScsiDisk, bytes: number): Promise<void> {
  await proven(host, record, disk)
  const now = await rescanDisk(host, disk)
  if (now < bytes)
    throw new LunkeeperError(
      'RESIZE_FAILED',
      `${disk.name} has ${now} bytes after the rescan, not ${bytes}`,
      {
        hint: 'Check that the LUN is still mapped. Run expand again when it answers.',
      },
    )
}

/**
 * Every path must answer as this volume, and with the same size, before any is rescanned: a disk that is rescanned
 * while its LUN is not mapped becomes 0 bytes long under its file system.
 */
async function proveSize(host: Host, record: Attachment, view: VolumeView, had: number): Promise<Identity> {
  const present = view.sessions.flatMap(({ session, disk }) => (disk ? [{ session, disk }] : []))
  if (present.length === 0) throw new LunkeeperError('TARGET_AWAY', `${record.name} currently has no disk`)
  const seen: Identity[] = []
  for (const { session, disk } of present) {
    if (session.state !== 'LOGGED_IN' || disk.state !== 'running')
      throw new LunkeeperError(
        'TARGET_AWAY',
        `${disk.name}: session ${session.sid} is ${session.state}, the disk ${disk.state}`,
      )
    seen.push(await proven(host, record, disk))
  }
  const [first, ...others] = seen as [Identity, ...Identity[]]
  const other = others.find(({ bytes }) => bytes !== first.bytes)
  if (other)
    throw new LunkeeperError(
      'CONFLICT',
      `the paths of ${record.name} show different sizes: ${first.bytes} and ${other.bytes} bytes`,
      {
        hint: 'Wait until the storage system shows the new size at all its portals.',
      },
    )
  if (first.bytes < had)
    throw new LunkeeperError('SHRUNK', `${record.name} has ${first.bytes} bytes on the target; it had ${had}`)
  return first
}

async function proven(host: Host, record: Attachment, disk: ScsiDisk): Promise<Identity> {
  const identity = await identify(host, disk)
  const difference = nameDifference(identity, record.identity ?? {})
  if (difference)
    throw new LunkeeperError('IDENTITY_MISMATCH', `${disk.name} is not ${record.name}: ${difference}`)
  return identity
}

async function growMap(
  host: Host,
  record: Attachment,
  map: DmMap,
  disks: readonly ScsiDisk[],
  bytes: number,
  steps: Stepper,
): Promise<void> {
  if (map.bytes >= bytes) return
  // The agent may have emptied the map since.
  refuseMisplaced(host, record)
  await steps.step('resize-map', map.name, () =>
    isHoldMap(map) ? growHoldMap(host, record, map, disks, bytes) : resizeMap(host, map.name),
  )
  const now = readMap(host.paths, map.device)?.bytes ?? 0
  if (now < bytes)
    throw new LunkeeperError('RESIZE_FAILED', `the map ${map.name} has ${now} bytes, its paths ${bytes}`)
}

function growHoldMap(
  host: Host,
  record: Attachment,
  map: DmMap,
  disks: readonly ScsiDisk[],
  bytes: number,
): Promise<void> {
  const paths = disks.flatMap(({ name, devno }) => (name === null || devno === null ? [] : [{ name, devno }]))
  return withProof(
    () => proveDisks(host, record, disks),
    (proof) =>
      loadHoldMap(
        host,
        proof,
        map,
        paths.map((disk) => tablePath(host, disk)),
        bytes,
      ),
  )
}

async function growMounted(host: Host, record: Attachment, steps: Stepper): Promise<void> {
  const view = lookAtAttachment(host, record)
  const device = deviceOfVolume(record, view)
  const mount =
    device && mountsOf(host, device).find(({ root, devno }) => root === '/' && devno === device.devno)
  if (!mount || record.request.use.readOnly) return
  await steps.step('grow', mount.point, () =>
    withProof(
      () => proveDevice(host, record, device),
      (proof) => growFs(host, proof, device, mount.point, mount.fs),
    ),
  )
}
