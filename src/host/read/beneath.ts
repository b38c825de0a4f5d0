import { basename, dirname } from 'node:path'

import type { ScsiDisk } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { listNames, readAttribute, readLink } from './attribute.ts'
import { readDiskByName } from './disks.ts'

/** The devices beneath a block device. */
export interface Beneath {
  /** dm-3; null if it is gone. */
  readonly name: string | null
  /** The iSCSI disks beneath it, itself included. */
  readonly disks: readonly ScsiDisk[]
  /** The devices in between, itself included, by number. */
  readonly devnos: readonly string[]
  /** Whether nothing written to it can reach a target, because it, or every disk of the map, is gone. */
  readonly isUnreachable: boolean
}

/** More levels of maps than are used in practice. The kernel allows no loop. */
const MAX_LEVELS = 16

/** The iSCSI disks beneath a block device (`8:0`, `8:1`, `254:3`), through partitions and device-mapper maps. */
export function disksBeneath(paths: HostPaths, devno: string): Beneath {
  const name = nameOf(paths, devno)
  if (name === null) return { name, disks: [], devnos: [], isUnreachable: true }
  const disks = new Map<string, ScsiDisk>()
  const devnos = new Set<string>()
  let others = 0
  const descend = (device: string, level: number): void => {
    const number = readAttribute(`${paths.sys}/class/block/${device}/dev`)
    // A map that was loaded before its disk was removed keeps a dangling link.
    if (number === null || level > MAX_LEVELS) return
    devnos.add(number)
    const slaves = listNames(`${paths.sys}/class/block/${device}/slaves`)
    if (device.startsWith('dm-') || slaves.length > 0) {
      for (const slave of slaves) descend(slave, level + 1)
      return
    }
    const disk = readDiskByName(paths, device)
    if (disk?.name) disks.set(disk.name, disk)
    else others++
  }
  descend(wholeDisk(paths, name), 0)
  return {
    name,
    disks: [...disks.values()],
    devnos: [...devnos],
    isUnreachable: disks.size === 0 && others === 0,
  }
}

function nameOf(paths: HostPaths, devno: string): string | null {
  const link = readLink(`${paths.sys}/dev/block/${devno}`)
  return link === null ? null : basename(link)
}

/** sda for sda1: only a partition's directory has a `partition` attribute (block/partitions/core.c). */
function wholeDisk(paths: HostPaths, name: string): string {
  if (readAttribute(`${paths.sys}/class/block/${name}/partition`) === null) return name
  const link = readLink(`${paths.sys}/class/block/${name}`)
  return link === null ? name : basename(dirname(link))
}
