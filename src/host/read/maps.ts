import type { DmMap } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { cached } from './cache.ts'
import { listNames, readAttribute, readNumber } from './attribute.ts'

const SECTOR = 512

/** The device-mapper map dm-N; null if there is none. */
export function readMap(paths: HostPaths, device: string): DmMap | null {
  const directory = `${paths.sys}/block/${device}`
  const name = readAttribute(`${directory}/dm/name`)
  const devno = readAttribute(`${directory}/dev`)
  if (name === null || devno === null) return null
  return {
    device,
    name,
    uuid: readAttribute(`${directory}/dm/uuid`) ?? '',
    devno,
    bytes: Math.max(readNumber(`${directory}/size`) ?? 0, 0) * SECTOR,
    suspended: readAttribute(`${directory}/dm/suspended`) === '1',
    slaves: listNames(`${directory}/slaves`),
    holders: listNames(`${directory}/holders`),
  }
}

/** All device-mapper maps, of all programs, by ascending number. */
export function readMaps(paths: HostPaths): DmMap[] {
  return cached(paths, 'maps', () => readAllMaps(paths))
}

/** The map with this UUID; null if there is none. Reads all maps. */
export function mapOfUuid(paths: HostPaths, uuid: string): DmMap | null {
  const byUuid = cached(paths, 'maps by UUID', () => new Map(readMaps(paths).map((map) => [map.uuid, map])))
  return byUuid.get(uuid) ?? null
}

function readAllMaps(paths: HostPaths): DmMap[] {
  return listNames(`${paths.sys}/block`)
    .filter((name) => name.startsWith('dm-'))
    .toSorted((a, b) => Number(a.slice(3)) - Number(b.slice(3)))
    .flatMap((name) => readMap(paths, name) ?? [])
}

/** Whether it is multipath-tools' own map of a disk: the prefix of its UUIDs (libmultipath/devmapper.c). */
export function isMultipath(map: Pick<DmMap, 'uuid'>): boolean {
  return map.uuid.startsWith('mpath-')
}

/** Prefix of the names and UUIDs of hold maps. */
export const HOLD_PREFIX = 'lunkeeper-'

/** Whether it is one of our hold maps. */
export function isHoldMap(map: Pick<DmMap, 'uuid'>): boolean {
  return map.uuid.startsWith(HOLD_PREFIX)
}

/** The hold maps among the devices on a disk. */
export function holdMapsOver(
  paths: HostPaths,
  { holders }: { readonly holders: readonly string[] },
): DmMap[] {
  return holders.flatMap((device) => readMap(paths, device) ?? []).filter(isHoldMap)
}

/** Whether any of its disks still exists: a map that was not reloaded keeps links to removed disks. */
export function hasDisks(paths: HostPaths, map: DmMap): boolean {
  return map.slaves.some((slave) => listNames(`${paths.sys}/block/${slave}/holders`).includes(map.device))
}

/** Whether it is kpartx's map of a partition of a multipath map (kpartx/kpartx.h: PARTNAME, UUID_PREFIX). */
export function isPartitionOfMultipath(map: Pick<DmMap, 'uuid'>): boolean {
  return /^part\d+-mpath-/.test(map.uuid)
}
