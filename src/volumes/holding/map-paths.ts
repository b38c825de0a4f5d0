import { join } from 'node:path'

import type { Host } from '../../host/host.ts'
import type { WriteProof } from '../../host/proof/proof.ts'
import { loadHoldMap, readPaths, reinstatePath } from '../../host/map/hold-map.ts'
import { readAttribute } from '../../host/read/attribute.ts'
import { readDiskByName } from '../../host/read/disks.ts'
import { hasDisks, readMap } from '../../host/read/maps.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { HoldMapState, TablePath } from '../../model/plan/table.ts'
import type { DmMap, ScsiDisk } from '../../model/snapshot.ts'
import { askDisk } from '../../state/proof/ask.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { proveDisks, withProof } from '../../state/proof/prove.ts'

/** A disk with a device node. */
export type PathDisk = ScsiDisk & { readonly name: string; readonly devno: string }

/** @returns null while it has no device node, so that it cannot be in a table */
export function asPathDisk(disk: ScsiDisk): PathDisk | null {
  const { name, devno } = disk
  return name === null || devno === null ? null : { ...disk, name, devno }
}

export function tablePath(host: Host, { name, devno }: Pick<PathDisk, 'name' | 'devno'>): TablePath {
  return { devno, access: readAttribute(join(host.paths.sys, 'block', name, 'device/access_state')) }
}

/** The disks that a hold map will use, each of them proven to be the volume a moment ago. */
export interface ProvenPaths {
  readonly proof: WriteProof
  /** The map's table has them, and some were only failed; otherwise a table with all of these is loaded. */
  readonly reinstates: boolean
  readonly disks: readonly PathDisk[]
}

/**
 * Proves disks that will carry a volume's I/O. A new table contains them and those that carry I/O now. It contains
 * no failed path: loading would make that path good again without a proof.
 * @throws IDENTITY_MISMATCH TARGET_AWAY … one of these disks is not the volume, or does not answer
 */
export async function provePaths(
  host: Host,
  volume: Provable,
  map: DmMap,
  disks: readonly PathDisk[],
): Promise<ProvenPaths> {
  const known = await pathsNow(host, map)
  const isKnown = (disk: PathDisk) => known.some(({ devno }) => devno === disk.devno)
  if (disks.every(isKnown)) {
    const failed = disks.filter((disk) => known.some(({ devno, active }) => devno === disk.devno && !active))
    return { proof: await proveDisks(host, volume, disks), reinstates: true, disks: failed }
  }
  const others = carrying(host, known).filter(({ devno }) => !disks.some((disk) => disk.devno === devno))
  const all = [...disks, ...(await oursOf(host, volume, others))]
  return { proof: await proveDisks(host, volume, all), reinstates: false, disks: all }
}

/** The paths of a map's table; none if all their disks have been removed, which sysfs shows without a program. */
async function pathsNow(host: Host, map: DmMap): Promise<HoldMapState['paths']> {
  if (!hasDisks(host.paths, readMap(host.paths, map.device) ?? map)) return []
  return (await readPaths(host)).get(map.name) ?? []
}

/** Lets I/O go through proven paths. @throws MAP_FAILED PROOF_EXPIRED */
export async function useProven(host: Host, map: DmMap, paths: ProvenPaths): Promise<void> {
  const { proof, reinstates, disks } = paths
  if (reinstates) for (const { devno } of disks) await reinstatePath(host, proof, map, devno)
  else
    await loadHoldMap(
      host,
      proof,
      map,
      disks.map((disk) => tablePath(host, disk)),
    )
}

/** Adds disks to a hold map. @throws as {@link provePaths} · MAP_FAILED */
export async function addToMap(
  host: Host,
  volume: Provable,
  map: DmMap,
  disks: readonly PathDisk[],
): Promise<void> {
  let proven: ProvenPaths | undefined
  await withProof(
    async () => (proven = await provePaths(host, volume, map, disks)).proof,
    () => useProven(host, map, proven!),
  )
}

/**
 * Removes a disk, and paths that carry no I/O, from the table; the disk is then free.
 * @returns whether it was in the table
 * @throws MAP_FAILED
 */
export async function removeFromMap(
  host: Host,
  volume: Provable,
  map: DmMap,
  devno: string,
): Promise<boolean> {
  const known = (await readPaths(host)).get(map.name) ?? []
  if (!known.some((path) => path.devno === devno)) return false
  const others = carrying(host, known).filter((disk) => disk.devno !== devno)
  await load(host, volume, map, await oursOf(host, volume, others))
  return true
}

/** Removes all disks from the table: from then on nothing written to the map reaches a target. @throws MAP_FAILED */
export async function emptyMap(host: Host, volume: Provable, map: DmMap): Promise<void> {
  const known = (await readPaths(host)).get(map.name) ?? []
  if (known.length > 0) await load(host, volume, map, [])
}

/**
 * The paths that answer as the volume. One that does not answer carries no I/O, and returns only with a proof. One
 * that answers as another volume may have carried writes there, so it is not just removed from the table here: the
 * agent's identity check measures what went through it, and removes it.
 * @throws TARGET_AWAY one of them answers as another volume
 */
async function oursOf(
  host: Host,
  { identity, fence }: Provable,
  disks: readonly PathDisk[],
): Promise<PathDisk[]> {
  const answers = await Promise.all(disks.map((disk) => askDisk(host, disk, identity, { fence })))
  const stranger = disks.find((_, index) => answers[index]!.verdict === 'stranger')
  if (stranger)
    throw new LunkeeperError(
      'TARGET_AWAY',
      `${stranger.name}, which carries the volume's I/O, answers as another volume: it must be removed first`,
    )
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

/** sdb for 8:16; null if the device is gone. */
function nameOf({ paths }: Host, devno: string): string | null {
  return (
    /^DEVNAME=(.+)$/m.exec(readAttribute(join(paths.sys, 'dev/block', devno, 'uevent')) ?? '')?.[1] ?? null
  )
}
