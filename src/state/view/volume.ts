import type { Host } from '../../host/host.ts'
import { readDisk } from '../../host/read/disks.ts'
import { multipathForm } from '../../host/map/wwids.ts'
import { findHoldMap, holdMapName } from '../../host/map/hold-map.ts'
import { hasDisks, isHoldMap, isMultipath, readMap, readMaps } from '../../host/read/maps.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import type { VolumeName } from '../../model/name.ts'
import type { DmMap, ScsiDisk, Session } from '../../model/snapshot.ts'
import type { Wwid } from '../../model/wwid.ts'
import type { Device } from './users.ts'
import { deviceOf, deviceOfMap } from './users.ts'

/** The kernel's current state of one LUN of one target. */
export interface VolumeView {
  /** All sessions of the target, with this LUN's disk if there is one. */
  readonly sessions: readonly { readonly session: Session; readonly disk: ScsiDisk | null }[]
  /** Maps of multipath-tools over those disks; normally one. */
  readonly maps: readonly DmMap[]
}

/** A volume, and what is needed to find its map when the map has lost all its disks. */
export interface Sought {
  readonly iqn: Iqn
  readonly lun: Lun
  /** Finds multipathd's map even if all its disks are lost; a map with another WWID is not the volume's. */
  readonly wwid?: Wwid | null | undefined
  /** Finds the hold map. */
  readonly owner?: VolumeName | null | undefined
}

export interface LookOptions {
  /** Sessions whose disks count. @default all */
  readonly counts?: (session: Session) => boolean
  /** Whether multipathd's map of the WWID counts after it has lost all its disks. @default true */
  readonly bareMaps?: boolean
  /** The target's sessions, if they have just been read. */
  readonly sessions?: readonly Session[]
}

/** @param volume if it has a WWID, a multipath map with this WWID is also found after it has lost all its disks */
export function lookAtVolume(
  host: Host,
  { iqn, lun, wwid = null, owner = null }: Sought,
  {
    counts = () => true,
    sessions: known = readSessions(host.paths, iqn),
    bareMaps: bare = true,
  }: LookOptions = {},
): VolumeView {
  const sessions = known.map((session) => ({
    session,
    disk: counts(session) ? readDisk(host.paths, session, lun) : null,
  }))
  const holders = new Set(sessions.flatMap(({ disk }) => disk?.holders ?? []))
  const maps = [...holders].map((holder) => readMap(host.paths, holder)).filter((map) => map !== null)
  const held = maps.filter((map) => isItsMap(map, owner, wwid))
  // This includes its own hold map if the disk at its LUN is not beneath it: the LUN was moved, or the disk is
  // gone.
  const own = owner === null || held.some(isHoldMap) ? null : findHoldMap(host, owner)
  const all = own ? [...held, own] : held
  return { sessions, maps: all.length > 0 || wwid === null || !bare ? all : bareMaps(host, wwid) }
}

/**
 * Whether a map over a disk at the volume's LUN is the volume's: its own hold map, or multipathd's map of its WWID. The
 * array may have reassigned the LUN to another volume, whose map is then on that disk.
 */
function isItsMap(map: DmMap, owner: VolumeName | null, wwid: Wwid | null): boolean {
  if (isHoldMap(map)) return owner === null || map.name === holdMapName(owner)
  return isMultipathOf(map, wwid)
}

/** Whether it is a multipath map, and not by its name another volume's. @param wwid null if the volume has none */
export function isMultipathOf(map: DmMap, wwid: Wwid | null): boolean {
  return isMultipath(map) && (wwid === null || !isOfAnother(map, wwid))
}

/** multipath-tools writes NAA and EUI names in one form; how it writes other names is not known. */
function isOfAnother({ uuid }: DmMap, wwid: Wwid): boolean {
  const form = /^mpath-[23][0-9a-f]{16,32}$/
  const own = `mpath-${multipathForm(wwid)}`
  return form.test(own) && form.test(uuid) && uuid !== own
}

/** The state of an attachment, including a map that has lost all its disks. */
export function lookAtAttachment(host: Host, { request, mode, identity, name }: Attachment): VolumeView {
  const bareMaps = mode === 'multipathd'
  return lookAtVolume(host, { ...request, wwid: identity?.wwid, owner: name }, { bareMaps })
}

/** Whether a session and its disk could take I/O now. */
export function isUp({ session, disk }: VolumeView['sessions'][number]): boolean {
  return session.state === 'LOGGED_IN' && disk?.state === 'running'
}

/** Whether any path of the volume could take its I/O now. */
export function hasPath(host: Host, record: Attachment): boolean {
  return lookAtAttachment(host, record).sessions.some(isUp)
}

/**
 * The device that users of a volume have: its map or, held by its session, its disk. Null if it does not exist: a path must not be
 * used in place of a map, nor a disk in place of the one on which the volume was attached.
 */
export function deviceOfVolume(
  { mode, phase, device }: Pick<Attachment, 'mode' | 'phase' | 'device'>,
  view: VolumeView,
): Device | null {
  const disks = disksOf(view)
  if (view.maps.length === 0 && mode === 'map') return null
  // An attach that was killed has made a hold map for a volume that had none.
  if (phase === 'ready' && mode !== 'map' && view.maps.some(isHoldMap)) return null
  if (view.maps.length > 0 || phase !== 'ready') return devicesOf(view.maps, disks)[0] ?? null
  if (mode === 'multipathd') return null
  const disk = disks.find(({ name }) => `/dev/${name}` === device)
  return disk ? deviceOf(disk) : null
}

/**
 * Whether the volume has disks, and none of them is the device on which it was attached: they came after a reboot, or after the
 * disk or the map was removed. No attach has verified them, and users of the former device do not reach them.
 */
export function isReplaced(record: Pick<Attachment, 'mode' | 'phase' | 'device'>, view: VolumeView): boolean {
  return record.phase === 'ready' && disksOf(view).length > 0 && deviceOfVolume(record, view) === null
}

/** Without a map, a volume has one disk that its users reach, whatever other paths there are. */
export function usedPaths(
  record: Pick<Attachment, 'mode' | 'phase' | 'device'>,
  view: VolumeView,
): VolumeView {
  if (record.mode !== 'session' || view.maps.length > 0) return view
  const device = deviceOfVolume(record, view)
  if (device === null) return view
  return { ...view, sessions: view.sessions.filter(({ disk }) => disk?.name === device.name) }
}

function bareMaps(host: Host, wwid: Wwid): DmMap[] {
  const uuid = `mpath-${multipathForm(wwid)}`
  return readMaps(host.paths).filter((map) => map.uuid === uuid && !hasDisks(host.paths, map))
}

export function disksOf(view: VolumeView): ScsiDisk[] {
  return view.sessions.flatMap(({ disk }) => (disk ? [disk] : []))
}

/** The devices that a file system or a raw user of the volume may use: its maps, otherwise its disks. */
export function devicesOf(maps: readonly DmMap[], disks: readonly ScsiDisk[]): Device[] {
  if (maps.length > 0) return maps.map(deviceOfMap)
  // An unusable path (ALUA) has a disk of 0 bytes, which carries no I/O if there is another path.
  const sized = disks.filter(({ bytes }) => bytes > 0)
  return (sized.length > 0 ? sized : disks).map(deviceOf).filter((device) => device !== null)
}
