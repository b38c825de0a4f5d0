import type { HostPaths } from '../paths.ts'
import { listNames, readAttribute } from './attribute.ts'
import { isHoldMap, isPartitionOfMultipath, readMap } from './maps.ts'

/** A block device on top of another: a logical volume, an array, a dm-crypt device. */
export interface DiskHolder {
  /** dm-1, md127 */
  readonly device: string
  /** In the field's terms: `logical volume vg/lv (dm-1)`. */
  readonly text: string
  /** The command that removes it; null if none is known. */
  readonly remedy: string | null
  /** Whether it is a device-mapper map, and its name. */
  readonly map: string | null
}

/** All devices on top of these devices or their partitions, directly or not; lower devices come first. */
export function holdersOn(paths: HostPaths, names: readonly string[]): DiskHolder[] {
  const found = new Map<string, DiskHolder>()
  let level = [...names]
  while (level.length > 0) {
    const next = level.flatMap((name) => directHolders(paths, name)).filter((name) => !found.has(name))
    for (const device of next) found.set(device, holderOf(paths, device))
    level = [...new Set(next)]
  }
  return [...found.values()]
}

/** The devices on a disk other than hold maps; `holders` of a {@link ScsiDisk} includes those of its partitions. */
export function foreignHolders(
  paths: HostPaths,
  { holders }: { readonly holders: readonly string[] },
): DiskHolder[] {
  return holders
    .filter((device) => {
      const map = readMap(paths, device)
      return !map || !isHoldMap(map)
    })
    .map((device) => holderOf(paths, device))
}

function directHolders(paths: HostPaths, name: string): string[] {
  const directory = `${paths.sys}/class/block/${name}`
  const partitions = listNames(directory).filter(
    (entry) => entry.startsWith(name) && readAttribute(`${directory}/${entry}/partition`) !== null,
  )
  return [directory, ...partitions.map((part) => `${directory}/${part}`)].flatMap((place) =>
    listNames(`${place}/holders`),
  )
}

export function holderOf(paths: HostPaths, device: string): DiskHolder {
  const map = readMap(paths, device)
  if (map) return { device, map: map.name, ...mapWords(map) }
  if (device.startsWith('md'))
    return { device, map: null, text: `MD array ${device}`, remedy: `mdadm --stop /dev/${device}` }
  return { device, map: null, text: `block device ${device}`, remedy: null }
}

function mapWords(map: { device: string; name: string; uuid: string }): Pick<DiskHolder, 'text' | 'remedy'> {
  const { device, name, uuid } = map
  // UUIDs start with the name of their creator (libdevmapper: dm_build_dm_uuid; cryptsetup: CRYPT-).
  if (uuid.startsWith('LVM-')) {
    const [group, volume] = logicalVolume(name)
    return { text: `logical volume ${group}/${volume} (${device})`, remedy: `vgchange -an ${group}` }
  }
  if (uuid.startsWith('CRYPT-'))
    return { text: `dm-crypt device ${name} (${device})`, remedy: `cryptsetup close ${name}` }
  if (isPartitionOfMultipath(map) || /^part\d+-/.test(uuid))
    return { text: `partition map ${name} (${device})`, remedy: `dmsetup remove ${name}` }
  if (uuid.startsWith('mpath-'))
    return { text: `multipath map ${name} (${device})`, remedy: `multipath -f ${name}` }
  return { text: `device-mapper map ${name} (${device})`, remedy: `dmsetup remove ${name}` }
}

/** In a map's name, a hyphen in the group's or volume's own name is doubled (libdm: dm_build_dm_name). */
function logicalVolume(name: string): [group: string, volume: string] {
  const [, group = name, volume = ''] = /^((?:[^-]|--)+)-((?:[^-]|--|-)+)$/.exec(name) ?? []
  return [group.replaceAll('--', '-'), volume.replaceAll('--', '-')]
}
