import { syncDevice } from '../../host/disk/sync.ts'
import { retryWithoutEnd } from '../../host/disk/retries.ts'
import type { PathMark } from '../../host/disk/path-mark.ts'
import type { Host } from '../../host/host.ts'
import { protectFromWrites } from '../../host/fs/protect.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { createHoldMap, findHoldMap, holdMapName, readPaths, setQueueing } from '../../host/map/hold-map.ts'
import { limitDirtyPages } from '../../host/memory/volume-dirty-limit.ts'
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
import type { Device } from '../../state/view/users.ts'
import { deviceOfVolume, lookAtAttachment } from '../../state/view/volume.ts'
import { deviceOf, deviceOfMap } from '../../state/view/users.ts'
import { releasePaths, refuseForeignHolders, reservePaths, undoBeside, unmarkPaths } from './foreign.ts'
import type { MultipathdWork } from './multipathd-map.ts'
import { bringMap, mapOver, multipathdWants } from './multipathd-map.ts'
import type { Path } from './path.ts'

/** multipathd's own fast_io_fail_tmo (multipath.conf(5)): after it, a dead path is given up for another. */
const FAIL_OVER: Hold = 5

export interface ChosenDevice {
  readonly device: Device
  readonly map: DmMap | null
  readonly mode: HoldMode
}

interface DeviceWork extends MultipathdWork {
  readonly name: VolumeName
  /** Sessions whose disk this attach created. */
  readonly scanned: ReadonlySet<number>
  /** How the volume is already held. */
  readonly mode: HoldMode | null
  readonly signal: AbortSignal | undefined
  readonly record: () => Attachment
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
      await lockAndEndBlockedSessions({ host, iqn: request.iqn, steps, signal }, held, 'attach')
      refuseGivenUp(host, work.record())
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
  const used = usedPath(work, paths)
  if (paths.length > 1)
    steps.warn(
      `${multipathd ? 'multipathd is configured to ignore these disks (blacklist)' : 'multipathd is not running'}: the volume uses one path, and does not fail over to the others`,
    )
  // With a map, its session would have given I/O up quickly in favour of another path; and it was not known whether
  // the volume is guarded.
  keepIoInSessions(work, [used])
  releasePaths(host, paths)
  retryWithoutEnd(host, used.disk)
  limitDirtyPages(host, used.disk.devno)
  return { device: deviceOf(used.disk)!, map: null, mode: 'session' }
}

/**
 * The path of a volume without a map: the one that its users already have. @throws TARGET_AWAY that one cannot be used
 */
function usedPath({ host, record, name }: DeviceWork, paths: readonly Path[]): Path {
  const attached = record()
  const isHeld = attached.mode === 'session' && attached.phase === 'ready'
  const device = isHeld ? deviceOfVolume(attached, lookAtAttachment(host, attached)) : null
  if (device === null) return paths[0]!
  const path = paths.find(({ disk }) => disk.name === device.name)
  if (path) return path
  throw new LunkeeperError(
    'TARGET_AWAY',
    `${name} is attached as /dev/${device.name}, without a map over its paths, and that path is lost`,
    { hint: 'Wait until it is back. Or detach the volume, and attach it through the other path.' },
  )
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
