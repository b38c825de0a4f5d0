import { existsSync } from 'node:fs'

import { whenAppears } from '../../host/disk/appear.ts'
import type { Host } from '../../host/host.ts'
import { deviceNode } from '../../host/host.ts'
import { offerPath } from '../../host/map/multipath.ts'
import { knownWwids, multipathForm, rememberWwid } from '../../host/map/wwids.ts'
import { readDisk } from '../../host/read/disks.ts'
import { readMap } from '../../host/read/maps.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { SettledRequest } from '../../model/request.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { isMultipathOf } from '../../state/view/volume.ts'
import type { Stepper } from '../step.ts'
import type { Path } from './path.ts'

/** multipathd creates a map within a second of udev's event; udev may need several on a busy node. */
const MAP_DEADLINE_MS = 30_000
/** Once the map exists, a disk that is not yet in it is only one path less, and not worth a long wait. */
const MEMBER_DEADLINE_MS = 10_000
/** How often multipathd is offered a disk that it does not yet accept. */
const OFFER_INTERVAL_MS = 250

export interface MultipathdWork {
  readonly host: Host
  readonly request: SettledRequest
  readonly steps: Stepper
  readonly note: (change: Partial<Attachment>) => void
  /** What multipath-tools knew before the first disk appeared: with find_multipaths greedy it remembers every disk. */
  readonly knownBefore: ReadonlySet<string>
}

/** The multipath map that holds one of the paths now; the paths are read again. */
export function mapOver(host: Host, request: SettledRequest, paths: readonly Path[]): DmMap | null {
  return memberships(host, request, paths).find(({ map }) => map)?.map ?? null
}

interface Membership {
  readonly disk: string
  /** Null if multipathd has not accepted the disk, or the map is not complete yet. */
  readonly map: DmMap | null
}

function memberships(host: Host, { lun }: SettledRequest, paths: readonly Path[]): Membership[] {
  return paths.map(({ session, disk: { name }, identity: { wwid } }) => {
    const holders = readDisk(host.paths, session, lun, { identity: false })?.holders ?? []
    const maps = holders.map((holder) => readMap(host.paths, holder))
    return {
      disk: name,
      map: maps.find((map) => map && isMultipathOf(map, wwid) && isFinished(host, map)) ?? null,
    }
  })
}

/** It holds its disks as soon as it has a table; it can be opened once it is live and udev has named it. */
function isFinished({ paths }: Host, { bytes, suspended, name }: DmMap): boolean {
  return bytes > 0 && !suspended && existsSync(`${paths.dev}/mapper/${name}`)
}

/**
 * Makes multipathd create the map with all available paths, and waits for it. Null if its configuration excludes
 * them and another mode is acceptable. @throws MAP_FAILED
 */
export async function bringMap(work: MultipathdWork, paths: readonly Path[]): Promise<DmMap | null> {
  const { host, request, steps } = work
  const all = memberships(host, request, paths)
  const [first] = all
  if (first?.map && all.every(({ map }) => map)) return first.map
  if (!all.some(({ map }) => map) && (await areBlacklisted(host, paths))) {
    if (request.hold.mode !== 'multipathd') return null
    throw new LunkeeperError(
      'MAP_FAILED',
      `multipathd is configured to ignore ${all.map(({ disk }) => disk).join(', ')} (blacklist)`,
      { hint: 'Add an exception to /etc/multipath.conf (blacklist_exceptions), or leave out --hold-mode.' },
    )
  }
  return steps.step('make-map', all.map(({ disk }) => disk).join(', '), async () => {
    await makeKnown(work, paths[0]!)
    const map = await membersWithin(
      work,
      paths,
      MAP_DEADLINE_MS,
      (found) => found.find((one) => one.map)?.map,
    )
    if (!map)
      throw new LunkeeperError(
        'MAP_FAILED',
        `multipathd did not create a map for ${all.map(({ disk }) => disk).join(', ')}`,
      )
    const complete = await membersWithin(work, paths, MEMBER_DEADLINE_MS, (found) =>
      found.every((one) => one.map?.uuid === map.uuid) ? found[0]!.map : null,
    )
    if (complete) return complete
    for (const { disk, map: its } of memberships(host, request, paths))
      if (!its) steps.warn(`multipathd does not use ${disk} for the map ${map.name}; see the multipathd log`)
    return readMap(host.paths, map.device) ?? map
  })
}

/** Registers an unknown WWID. That is recorded first, so that it will be undone. */
async function makeKnown(
  { host, note, knownBefore }: MultipathdWork,
  { disk, identity }: Path,
): Promise<void> {
  const name = identity.wwid && multipathForm(identity.wwid)
  if (name === null || !knownBefore.has(name)) note({ knownToMultipath: true })
  if (name === null || !knownWwids(host).has(name)) await rememberWwid(host, disk.name)
}

/** Whether multipathd will never accept these disks. Checked before anything is registered with it. */
async function areBlacklisted(host: Host, paths: readonly Path[]): Promise<boolean> {
  for (const { disk } of paths) if ((await offerPath(host, disk.name)) !== 'blacklisted') return false
  return true
}

async function membersWithin(
  { host, request }: MultipathdWork,
  paths: readonly Path[],
  deadline: number,
  choose: (found: readonly Membership[]) => DmMap | null | undefined,
): Promise<DmMap | null> {
  const end = performance.now() + deadline
  for (;;) {
    const look = () => choose(memberships(host, request, paths)) ?? null
    const found = await whenAppears(host, look, OFFER_INTERVAL_MS)
    if (found || performance.now() > end) return found
    for (const { disk, map } of memberships(host, request, paths)) if (!map) await offerPath(host, disk)
  }
}

/** Whether multipathd accepts this disk as a single path: find_multipaths no or greedy, or a known WWID. */
export async function multipathdWants(host: Host, disk: string): Promise<boolean> {
  const ran = await host.run('multipath', ['-c', deviceNode(host, disk)], { deadline: 15_000 })
  return ran.code === 0
}
