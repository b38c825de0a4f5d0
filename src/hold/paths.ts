import { join } from 'node:path'

import type { Host } from '../host/host.ts'
import { loadHoldMap, readPaths, reinstatePath } from '../host/map/hold-map.ts'
import { readAttribute } from '../host/read/attribute.ts'
import type { HoldMapState, TablePath } from '../model/plan/table.ts'
import type { DmMap } from '../model/snapshot.ts'

/** A disk that has just told that it is the volume. */
export interface ProvenDisk {
  readonly name: string
  readonly devno: string
}

export function tablePath(host: Host, { name, devno }: ProvenDisk): TablePath {
  return { devno, access: readAttribute(join(host.paths.sys, 'block', name, 'device/access_state')) }
}

/**
 * Puts disks under a hold map: reinstated where the table has them, else with a new table, which then has
 * only these and those that carry I/O now. A path that was failed is in no new table: loading would make
 * it good again without anybody having asked it who it is.
 * @throws MAP_FAILED
 */
export async function putUnder(host: Host, map: DmMap, proven: readonly ProvenDisk[]): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  const isKnown = (disk: ProvenDisk) => known.some(({ devno }) => devno === disk.devno)
  if (proven.every(isKnown)) {
    for (const { devno } of proven)
      if (known.some((path) => path.devno === devno && !path.active)) await reinstatePath(host, map, devno)
    return
  }
  const others = carrying(known).filter(({ devno }) => !proven.some((disk) => disk.devno === devno))
  await load(host, map, [...proven, ...others])
}

/** Takes a disk out of the table, with those that carry no I/O; it is then free. @throws MAP_FAILED */
export async function takeOut(host: Host, map: DmMap, devno: string): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  if (!known.some((path) => path.devno === devno)) return
  const others = carrying(known).filter((path) => path.devno !== devno)
  await load(host, map, others)
}

function carrying(known: HoldMapState['paths']): readonly { readonly devno: string }[] {
  return known.filter(({ active }) => active)
}

async function load(host: Host, map: DmMap, disks: readonly { readonly devno: string }[]): Promise<void> {
  const named = disks.flatMap(({ devno }) => {
    const name = nameOf(host, devno)
    return name === null ? [] : [{ name, devno }]
  })
  await loadHoldMap(
    host,
    map,
    named.map((disk) => tablePath(host, disk)),
  )
}

/** sdb for 8:16; null where it is gone. */
function nameOf({ paths }: Host, devno: string): string | null {
  return (
    /^DEVNAME=(.+)$/m.exec(readAttribute(join(paths.sys, 'dev/block', devno, 'uevent')) ?? '')?.[1] ?? null
  )
}
