import type { Identity } from '../../model/identity.ts'
import { isSameVolume } from '../../model/identity.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { listNames, readAttribute, readBytes } from './attribute.ts'
import { PAGE_80_MAX, readBlock } from './disks.ts'
import { serialOf, wwidOrNull } from './vpd.ts'

/** A SCSI disk of this node, on any transport. */
export interface VolumeDisk {
  readonly name: string
  readonly devno: string
  readonly state: string | null
  readonly holders: readonly string[]
  readonly partitions: readonly BlockRef[]
}

/**
 * All SCSI disks of this node that are this volume according to the kernel, its known paths included. For each disk of another
 * volume one attribute is read. Without a WWID no disk can be recognized.
 */
export function readVolumeDisks({ sys }: HostPaths, identity: Identity): VolumeDisk[] {
  if (identity.wwid === null) return []
  return listNames(`${sys}/block`).flatMap((name) => {
    const directory = `${sys}/block/${name}`
    // Only SCSI devices have the attribute there.
    const wwid = wwidOrNull(readAttribute(`${directory}/device/wwid`) ?? '')
    if (wwid === null || !isSameVolume({ wwid, serial: null }, identity)) return []
    const page80 = readBytes(`${directory}/device/vpd_pg80`, PAGE_80_MAX)
    if (!isSameVolume({ wwid, serial: page80 && serialOf(page80) }, identity)) return []
    const block = readBlock(directory, name)
    if (!block) return []
    const { devno, holders, partitions } = block
    return [{ name, devno, holders, partitions, state: readAttribute(`${directory}/device/state`) }]
  })
}
