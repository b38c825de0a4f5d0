import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { loadHoldMap, readPaths, reinstatePath } from '../../host/map/hold-map.ts'
import { readAttribute } from '../../host/read/attribute.ts'
import { readDiskByName } from '../../host/read/disks.ts'
import type { HoldMapState, TablePath } from '../../model/plan/table.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { askDisk } from '../../state/proof/ask.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { proveDisks, withProof } from '../../state/proof/prove.ts'

/** A disk with a device node. */
export type PathDisk = ScsiDisk & { readonly name: string; readonly devno: string }

export function tablePath(host: Host, { name, devno }: Pick<PathDisk, 'name' | 'devno'>): TablePath {
  return { devno, access: readAttribute(join(host.paths.sys, 'block', name, 'device/access_state')) }
}

/**
 * Puts disks under a hold map: reinstated where the table has them, else with a new table, which then has
 * only these and those that carry I/O now. A path that was failed is in no new table: loading would make
 * it good again without a proof. Every disk is asked which volume it is immediately before.
 * @throws IDENTITY_MISMATCH TARGET_AWAY … one of these disks is not the volume, or does not answer · MAP_FAILED
 */
export async function putUnder(
  host: Host,
  volume: Provable,
  map: DmMap,
  disks: readonly PathDisk[],
): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  const isKnown = (disk: PathDisk) => known.some(({ devno }) => devno === disk.devno)
  if (disks.every(isKnown)) {
    const failed = disks.filter((disk) => known.some(({ devno, active }) => devno === disk.devno && !active))
    for (const disk of failed) await reinstate(host, volume, map, disk)
    return
  }
  const others = carrying(host, known).filter(({ devno }) => !disks.some((disk) => disk.devno === devno))
  await load(host, volume, map, [...disks, ...(await oursOf(host, volume, others))])
}

/** Proves a path that the table has, and lets I/O go through it again. @throws as {@link putUnder} */
export async function reinstate(host: Host, volume: Provable, map: DmMap, disk: PathDisk): Promise<void> {
  await withProof(
    () => proveDisks(host, volume, [disk]),
    (proof) => reinstatePath(host, proof, map, disk.devno),
  )
}

/** Takes a disk out of the table, with those that carry no I/O; it is then free. @throws MAP_FAILED */
export async function takeOut(host: Host, volume: Provable, map: DmMap, devno: string): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  if (!known.some((path) => path.devno === devno)) return
  const others = carrying(host, known).filter((disk) => disk.devno !== devno)
  await load(host, volume, map, await oursOf(host, volume, others))
}

/** Takes all disks out of the table: nothing that is written to the map reaches a target from then on. @throws MAP_FAILED */
export async function takeOutAll(host: Host, volume: Provable, map: DmMap): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  if (known.length > 0) await load(host, volume, map, [])
}

/** Those that answer as the volume. A path that does not carries nothing, and is brought back with a proof. */
async function oursOf(
  host: Host,
  { identity, fence }: Provable,
  disks: readonly PathDisk[],
): Promise<PathDisk[]> {
  const answers = await Promise.all(disks.map((disk) => askDisk(host, disk, identity, { fence })))
  return disks.filter((_, index) => answers[index]!.verdict === 'ours')
}

function carrying(host: Host, known: HoldMapState['paths']): PathDisk[] {
  return known.flatMap(({ devno, active }) => {
    const name = active ? nameOf(host, devno) : null
    const disk = name === null ? null : readDiskByName(host.paths, name)
    return disk?.devno === devno && disk.name !== null ? [{ ...disk, name: disk.name, devno }] : []
  })
}

async function load(host: Host, volume: Provable, map: DmMap, disks: readonly PathDisk[]): Promise<void> {
  await withProof(
    () => proveDisks(host, volume, disks),
    (proof) =>
      loadHoldMap(
        host,
        proof,
        map,
        disks.map((disk) => tablePath(host, disk)),
      ),
  )
}

/** sdb for 8:16; null where it is gone. */
function nameOf({ paths }: Host, devno: string): string | null {
  return (
    /^DEVNAME=(.+)$/m.exec(readAttribute(join(paths.sys, 'dev/block', devno, 'uevent')) ?? '')?.[1] ?? null
  )
}
