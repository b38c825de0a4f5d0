import { existsSync } from 'node:fs'

import { syncDevice } from '../../host/disk/sync.ts'
import { retryWithoutEnd } from '../../host/disk/retries.ts'
import { whenAppears } from '../../host/disk/appear.ts'
import type { PathMark } from '../../host/disk/path-mark.ts'
import type { Host } from '../../host/host.ts'
import { deviceNode } from '../../host/host.ts'
import { protectFromWrites } from '../../host/fs/protect.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { createHoldMap, findHoldMap, holdMapName, readPaths, setQueueing } from '../../host/map/hold-map.ts'
import { offerPath } from '../../host/map/multipath.ts'
import { knownWwids, multipathForm, rememberWwid } from '../../host/map/wwids.ts'
import { limitDirtyPages } from '../../host/memory/volume-dirty-limit.ts'
import { readDisk } from '../../host/read/disks.ts'
import { isMultipath, readMap } from '../../host/read/maps.ts'
import { isAgentRunning } from '../../state/records/agent-lock.ts'
import { lockAndEndBlockedSessions } from '../holding/blocked-sessions.ts'
import { refuseGivenUp } from '../holding/misplaced.ts'
import { addToMap, tablePath } from '../holding/map-paths.ts'
import { isMultipathdRunning } from '../../host/read/node.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { Hold, HoldMode } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { VolumeName } from '../../model/name.ts'
import type { SettledRequest } from '../../model/request.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { proveDisks, withProof } from '../../state/proof/prove.ts'
import type { Stepper } from '../step.ts'
import type { Device } from '../../state/view/users.ts'
import { deviceOf, deviceOfMap } from '../../state/view/users.ts'
import { releasePaths, refuseForeignHolders, reservePaths, undoBeside, unmarkPaths } from './foreign.ts'
import type { Path } from './path.ts'

/** multipathd creates a map within a second of udev's event; udev may need several on a busy node. */
const MAP_DEADLINE_MS = 30_000
/** Once the map exists, a disk that is not yet in it is only one path less, and not worth a long wait. */
const MEMBER_DEADLINE_MS = 10_000
/** How often multipathd is offered a disk that it does not yet accept. */
const OFFER_INTERVAL_MS = 250

/** multipathd's own fast_io_fail_tmo (multipath.conf(5)): after it, a dead path is given up for another. */
const FAIL_OVER: Hold = 5

export interface ChosenDevice {
  readonly device: Device
  readonly map: DmMap | null
  readonly mode: HoldMode
}

interface DeviceWork {
  readonly host: Host
  readonly name: VolumeName
  /** Sessions whose disk this attach created. */
  readonly scanned: ReadonlySet<number>
  /** How the volume is already held. */
  readonly mode: HoldMode | null
  readonly request: SettledRequest
  readonly steps: Stepper
  readonly signal: AbortSignal | undefined
  readonly record: () => Attachment
  readonly note: (change: Partial<Attachment>) => void
  /** What multipath-tools knew before the first disk appeared: with find_multipaths greedy it remembers every disk. */
  readonly knownBefore: ReadonlySet<string>
}

/**
 * How long a session of this volume must hold I/O. Below a multipath map this is not the hold: I/O on a dead path
 * waits that long before it is sent through another path, and the map queues if there is none. Below a hold map it
 * is zero: no I/O may resume before it is known which volume answers.
 */
export async function sessionRecovery(host: Host, record: Attachment): Promise<Hold> {
  const { request, mode } = record
  if (mode === 'map' || (mode === null && (await wantsHoldMap(host, request)))) return 0
  return mode === 'multipathd' || wantsMap(host, request) ? FAIL_OVER : safeHold(record)
}

/** Who may use the volume's disks, as far as is known before there are any. */
export async function pathMark(host: Host, { request, mode }: Attachment): Promise<PathMark | null> {
  if (mode === 'map') return 'hold'
  if (mode !== null || !(await wantsHoldMap(host, request))) return null
  return request.hold.mode === 'map' || !isMultipathdRunning(host.paths) ? 'hold' : 'any'
}

/** An agent must reinstate paths: without it, a hold map would hold I/O indefinitely. */
async function wantsHoldMap(host: Host, { hold }: SettledRequest): Promise<boolean> {
  return (hold.mode === 'map' || hold.mode === 'auto') && (await isAgentRunning(host))
}

function wantsMap(host: Host, { hold, portals }: SettledRequest): boolean {
  if (hold.mode === 'session' || hold.mode === 'map' || !isMultipathdRunning(host.paths)) return false
  return hold.mode === 'multipathd' || portals.length > 1
}

/** @throws MAP_FAILED the program that was requested to hold the I/O is not running */
export async function refuseHoldMode(host: Host, request: SettledRequest): Promise<void> {
  if (request.hold.mode === 'map' && !(await wantsHoldMap(host, request)))
    throw new LunkeeperError('MAP_FAILED', 'a hold map requires the agent, and the agent is not running', {
      hint: 'Start it: systemctl start lunkeeper. Or leave out --hold-mode: the session or multipathd then holds the I/O.',
    })
  if (request.hold.mode === 'multipathd' && !isMultipathdRunning(host.paths))
    throw new LunkeeperError('MAP_FAILED', 'multipathd is not running', {
      hint: 'systemctl start multipathd',
    })
}

/** The device that represents the volume: multipathd's map over its paths, or the one disk. @throws MAP_FAILED */
export async function chooseDevice(work: DeviceWork, paths: readonly Path[]): Promise<ChosenDevice> {
  const { host, request, steps, signal } = work
  const first = paths[0]!
  const held = findHoldMap(host, work.name)
  if (held) {
    if (!(await carries(host, held, paths))) {
      refuseForeignHolders(host, work.name, paths, request.hold.wanted)
      refuseGivenUp(host, work.record())
      await lockAndEndBlockedSessions({ host, iqn: request.iqn, steps, signal }, held, 'attach')
      await steps.step('make-map', held.name, () =>
        addToMap(
          host,
          { ...work.record(), identity: first.identity },
          held,
          paths.map(({ disk }) => disk),
        ),
      )
    }
    // An earlier attempt may have let its I/O fail.
    if (work.record().phase !== 'ready' && (readHoldNote(host, work.name)?.ended ?? null) === null)
      await setQueueing(host, held, true)
    return withHoldMap(held)
  }
  const wantsHold = await wantsHoldMap(host, request)
  await refuseHoldMode(host, request)
  // Before a map is created on them: the map is then read-only as well, whenever multipathd reloads its table.
  if (request.use.readOnly) for (const { disk } of paths) await protectFromWrites(host, disk.name)
  const running = isMultipathdRunning(host.paths)
  const existing = mapOver(host, request, paths)
  if (existing && !running) return withMultipath(host, existing, paths)
  const multipathd =
    existing ??
    ((wantsMap(host, request) && !wantsHold) ||
      (running && request.hold.mode !== 'map' && (await multipathdWants(host, first.disk.name))))
  const map = multipathd ? await bringMap(work, paths) : null
  if (map) {
    limitDirtyPages(host, map.devno)
    return withMultipath(host, map, paths)
  }
  // A disk that is already in use stays as it is: nothing can be inserted below its users.
  if (wantsHold && work.mode !== 'session') {
    const map = await tryHoldMap(work, paths)
    if (map) return withHoldMap(map)
  }
  if (paths.length > 1)
    steps.warn(
      `${multipathd ? 'multipathd is configured to ignore these disks (blacklist)' : 'multipathd is not running'}: the volume uses one path, and does not fail over to the others`,
    )
  // With a map, its session would have given I/O up quickly in favour of another path; and it was not known whether
  // the volume is guarded.
  keepIoInSessions(work, paths.slice(0, 1))
  releasePaths(host, paths)
  retryWithoutEnd(host, first.disk)
  limitDirtyPages(host, first.disk.devno)
  return { device: deviceOf(first.disk)!, map: null, mode: 'session' }
}

function withHoldMap(map: DmMap): ChosenDevice {
  return { device: deviceOfMap(map), map, mode: 'map' }
}

async function carries(host: Host, map: DmMap, paths: readonly Path[]): Promise<boolean> {
  const known = (await readPaths(host)).get(map.name) ?? []
  return paths.every(({ disk }) => known.some(({ devno, active }) => active && devno === disk.devno))
}

/** Null if the kernel has no dm-multipath and another mode is acceptable. @throws MAP_FAILED */
async function tryHoldMap(work: DeviceWork, paths: readonly Path[]): Promise<DmMap | null> {
  const { host, request, steps, name } = work
  const bytes = Math.min(...paths.map(({ disk }) => disk.bytes))
  const disks = paths.map(({ disk }) => disk)
  const volume = { ...work.record(), name, identity: paths[0]!.identity }
  refuseForeignHolders(host, work.name, paths, request.hold.wanted)
  try {
    const map = await steps.step('make-map', holdMapName(name), () =>
      withProof(
        () => proveDisks(host, volume, disks),
        async (proof) => {
          // Data that a program has written to a disk before closing it must not be written out beneath the map.
          for (const { disk, session } of paths)
            for (const block of work.scanned.has(session.sid) ? [] : [...disk.partitions, disk])
              await syncDevice(host, proof, block)
          const table = disks.map((disk) => tablePath(host, disk))
          return createHoldMap(host, proof, name, bytes, table, request.use.readOnly)
        },
      ),
    )
    await undoBeside(host, name, map, paths, request.hold.wanted)
    await reservePaths(host, paths)
    return map
  } catch (error) {
    if (request.hold.mode === 'map' || !isLunkeeperError(error, 'MAP_FAILED', 'PROGRAM_MISSING')) throw error
    steps.warn(
      `no hold map could be created (${error.message}): the session holds the I/O. Such a hold cannot be changed during an outage, and ends with the session.`,
    )
    keepIoInSessions(work, paths)
    return null
  }
}

/** Without a map the session's own timer is the hold. */
function keepIoInSessions({ host, steps, record }: DeviceWork, paths: readonly Path[]): void {
  for (const { session } of paths) {
    const wanted = longerHold(session.recoveryTmo, safeHold(record()))
    if (wanted === session.recoveryTmo || setRecovery(host, session, wanted)) continue
    steps.warn(
      `the kernel rejected a recovery timer of ${wanted} s: session ${session.sid} holds I/O for ${session.recoveryTmo} s`,
    )
  }
}

function withMultipath(host: Host, map: DmMap, paths: readonly Path[]): ChosenDevice {
  unmarkPaths(host, paths)
  return { device: deviceOfMap(map), map, mode: 'multipathd' }
}

/** The multipath map that holds one of the paths now; the paths are read again. */
function mapOver(host: Host, request: SettledRequest, paths: readonly Path[]): DmMap | null {
  return memberships(host, request, paths).find(({ map }) => map)?.map ?? null
}

interface Membership {
  readonly disk: string
  /** Null if multipathd has not accepted the disk, or the map is not complete yet. */
  readonly map: DmMap | null
}

function memberships(host: Host, { lun }: SettledRequest, paths: readonly Path[]): Membership[] {
  return paths.map(({ session, disk: { name } }) => {
    const holders = readDisk(host.paths, session, lun, { identity: false })?.holders ?? []
    const maps = holders.map((holder) => readMap(host.paths, holder))
    return { disk: name, map: maps.find((map) => map && isMultipath(map) && isFinished(host, map)) ?? null }
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
async function bringMap(work: DeviceWork, paths: readonly Path[]): Promise<DmMap | null> {
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
async function makeKnown({ host, note, knownBefore }: DeviceWork, { disk, identity }: Path): Promise<void> {
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
  { host, request }: DeviceWork,
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
async function multipathdWants(host: Host, disk: string): Promise<boolean> {
  const ran = await host.run('multipath', ['-c', deviceNode(host, disk)], { deadline: 15_000 })
  return ran.code === 0
}
