import type { Host } from '../host/host.ts'
import { logout } from '../host/iscsi/logout.ts'
import { isOurSession } from '../host/iscsi/session-note.ts'
import type { SeenLun } from '../host/iscsi/client/luns.ts'
import { withLock } from '../host/lock/lock.ts'
import { countDisks, readDisk } from '../host/read/disks.ts'
import { readConnection, readSessions } from '../host/read/sessions.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../model/errors.ts'
import type { Returned, ReturnStep } from '../model/plan/hold-steps.ts'
import { isGivenUp } from '../model/plan/hold-outage.ts'
import { FAST_LOGIN_MAX_DISKS } from '../model/plan/hold-path.ts'
import type { Lun } from '../model/lun.ts'
import type { Portal } from '../model/portal.ts'
import { formatPortal } from '../model/portal.ts'
import type { DmMap } from '../model/snapshot.ts'
import { askDisk } from '../state/proof/ask.ts'
import { PROOF_ATTEMPTS, proveDisks } from '../state/proof/prove.ts'
import { readHoldNote } from '../state/records/hold-note.ts'
import { isWorkedOnByCommand, targetLock, withReturnLock } from '../state/records/locks.ts'
import { readRecord, readRecords } from '../state/records/volumes.ts'
import { refuseForeignHolders } from '../volumes/attach/foreign.ts'
import { sessionOf } from '../volumes/attach/path.ts'
import { remakePath } from '../volumes/attach/remake-path.ts'
import { dropForeignDisk } from '../volumes/holding/drop-foreign-disk.ts'
import type { PathDisk, ProvenPaths } from '../volumes/holding/map-paths.ts'
import { provePaths, useProven } from '../volumes/holding/map-paths.ts'
import { endBlockedSessions } from '../volumes/holding/blocked-sessions.ts'
import { isAllHeld } from '../volumes/holding/recovery-timers.ts'
import type { Stepper } from '../volumes/step.ts'
import { findLun, recordLun } from './relocate.ts'
import { refreshDisk } from './refresh-disk.ts'
import { refusedBy } from './refusals.ts'

export interface PathReturn {
  readonly host: Host
  readonly record: Attachment
  readonly map: DmMap
  readonly portal: Portal
  /** The path in the map's table; null if the path must be made. */
  readonly disk: PathDisk | null
  /** The planned steps, in this order. */
  readonly plan: readonly ReturnStep[]
  /** Lists the LUNs that the target presents at the portal; null if the target does not report them. */
  readonly listLuns: () => Promise<readonly SeenLun[] | null>
  readonly steps: Stepper
  readonly signal: AbortSignal
}

/** A return in progress: the results of its steps so far. */
interface Progress {
  readonly work: PathReturn
  disk: PathDisk | null
  /** The connection over which the disk was verified. */
  connection: string | null
  proven: ProvenPaths | null
}

/** Brings one path of a held volume back, step by step as planned. Never throws: the result reports what prevents it. */
export async function returnPath(work: PathReturn): Promise<Returned> {
  let isFound = false
  try {
    let plan = work.plan
    if (plan[0] === 'search-lun') {
      const found = await searchLun(work)
      if (typeof found === 'object') return found
      isFound = found
      plan = plan.slice(1)
    }
    if (plan.every((step) => step === 'log-out')) return await logOutLost(work)
    const progress = { work, disk: work.disk, connection: null, proven: null }
    return await (plan.includes('make-path') ? makePath(progress, plan) : usePath(progress, plan))
  } catch (error) {
    return { kind: 'refused', refused: refusedBy(error), ...(isFound ? { foundHere: true } : {}) }
  }
}

/** Reinstates a path in the map's table. A disk that turns out to be another volume is removed from the map and the node. */
async function usePath(progress: Progress, plan: readonly ReturnStep[]): Promise<Returned> {
  const { host, record } = progress.work
  try {
    await runSteps(progress, plan)
  } catch (error) {
    if (isLunkeeperError(error, 'IDENTITY_MISMATCH')) await dropForeignDisk(host, record, progress.disk!)
    throw error
  }
  return cameBack(plan, progress)
}

/** Creates a path through the session that serves the portal, or through a new session, and continues with the plan. */
async function makePath(progress: Progress, plan: readonly ReturnStep[]): Promise<Returned> {
  return whileUnchanged(progress.work, async (work) => {
    const { host, record, portal, signal } = work
    const made = { ...progress, work }
    const afterMakePath = plan.indexOf('make-path') + 1
    const path = await withLock(...targetLock(host, record.request, 'return', signal), async () => {
      if (plan.includes('log-out')) await endLost(work)
      const remade = await remakePath(work, portal)
      if (plan.includes('load-table'))
        await endBlockedSessions({ ...work, iqn: record.request.iqn }, work.map)
      return remade
    })
    refuseForeignHolders(host, record.name, [path], record.request.hold.wanted)
    made.disk = path.disk
    await runSteps(made, plan.slice(afterMakePath))
    return cameBack(plan, made)
  })
}

/** Ends the lost session while its target is away, so that the return does not have to wait for that. */
async function logOutLost(lost: PathReturn): Promise<Returned> {
  return whileUnchanged(lost, async (work) => {
    const { host, record, portal, signal } = work
    await withLock(...targetLock(host, record.request, 'return', signal), async () => {
      const session = sessionOf(host, record.request, portal)
      // The lost session is gone, and another program may be logging in.
      if (!session || !isOurSession(host, session)) return
      const disks = countDisks(host.paths, session)
      if (disks === 0 || disks > FAST_LOGIN_MAX_DISKS) return
      await refuseNeeded(work)
      await endLost(work)
    })
    return { kind: 'logged-out' }
  })
}

/** A command that attaches or detaches another volume of the target may need the session's disks. @throws TARGET_AWAY */
async function refuseNeeded({ host, record }: PathReturn): Promise<void> {
  for (const other of readRecords(host).attachments) {
    if (other.name === record.name || other.request.iqn !== record.request.iqn || other.phase === 'ready')
      continue
    if (await isWorkedOnByCommand(host, other))
      throw new LunkeeperError('TARGET_AWAY', `a command is ${other.phase} ${other.name}, which may need it`)
  }
}

/**
 * Acts on the volume's present record, under its lock. A login to a target that has just gone away blocks for 15 s:
 * a command that detaches the volume cancels it.
 * @throws what cancelled it · Error another operation has begun on the volume since this was planned
 */
async function whileUnchanged(
  work: PathReturn,
  act: (work: PathReturn) => Promise<Returned>,
): Promise<Returned> {
  const { host } = work
  return withReturnLock(host, work.record, work.signal, async (wanted) => {
    const signal = AbortSignal.any([work.signal, wanted])
    const record = readRecord(host, work.record.name)
    if (record === null || record.phase !== work.record.phase)
      throw signal.reason ?? new Error(`${work.record.name} is ${record?.phase ?? 'gone'}`)
    return act({ ...work, record, signal })
  })
}

function cameBack(plan: readonly ReturnStep[], { disk, connection }: Progress): Returned {
  const path = disk && { sid: disk.sid, devno: disk.devno, connection }
  const last = plan.at(-1)
  return { kind: last === 'load-table' ? 'loaded' : last === 'reinstate' ? 'reinstated' : 'verified', path }
}

/** @throws IDENTITY_MISMATCH TARGET_AWAY IDENTITY_UNREADABLE LUN_ABSENT STUCK MAP_FAILED */
async function runSteps(progress: Progress, plan: readonly ReturnStep[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      for (const step of plan) await (step === 'verify' ? verify(progress) : use(progress))
      return
    } catch (error) {
      if (!isLunkeeperError(error, 'PROOF_EXPIRED') || attempt >= PROOF_ATTEMPTS) throw error
    }
  }
}

/** Asks the disk which volume it is. The answer is valid only for the connection over which it was given. */
async function verify(progress: Progress): Promise<void> {
  const { work, disk } = progress
  const { host, record, map } = work
  if (disk === null) throw new LunkeeperError('INTERNAL', 'there is no path to verify')
  const connection = readConnection(host.paths, disk.sid)
  const prove = async () =>
    work.disk
      ? { proof: await proveDisks(host, record, [disk]), reinstates: true, disks: [disk] }
      : provePaths(host, record, map, [disk])
  let proven = await prove()
  // `make-path` has judged its disk itself (model/plan/path.ts).
  if (work.disk && (await refreshDisk(host, record, map, work.disk))) proven = await prove()
  progress.connection = connection
  progress.proven = proven
}

async function use({ work, disk, connection, proven }: Progress): Promise<void> {
  const { host, record, map } = work
  if (disk !== null && readConnection(host.paths, disk.sid) !== connection)
    throw new LunkeeperError(
      'TARGET_AWAY',
      `${disk.name}: session ${disk.sid} reconnected since it was asked`,
    )
  if (proven === null)
    throw new LunkeeperError('INTERNAL', 'a path was about to be used without verification')
  // The volume was given up while the path was being brought back: none of its data may be written any more.
  if (isGivenUp(readHoldNote(host, record.name)))
    throw new LunkeeperError('CONFLICT', `${record.name} must not be written any more`)
  await useProven(host, map, proven)
}

/**
 * Logs a lost session out if all of its disks are on hold maps, which keep their I/O.
 * @throws TARGET_AWAY another of its disks is in use
 */
async function endLost({ host, record, portal, steps, signal }: PathReturn): Promise<void> {
  const lost = sessionOf(host, record.request, portal)
  if (!lost || lost.state === 'LOGGED_IN') return
  if (!isAllHeld(host, lost))
    throw new LunkeeperError(
      'TARGET_AWAY',
      `session ${lost.sid} is ${lost.state} and is also used by disks that are not on a hold map; it is not logged out`,
    )
  await steps.step('logout', `session ${lost.sid}`, () => logout(host, lost.sid, signal))
}

/**
 * Looks for the volume among all LUNs that the target presents.
 * @returns whether it was seen at its own LUN; false for a target that does not list its LUNs' identities: the
 * kernel then asks the one LUN
 * @throws IDENTITY_MISMATCH the volume is not among them
 */
async function searchLun(work: PathReturn): Promise<Returned | boolean> {
  const { host, record, portal, signal } = work
  const { request } = record
  const shown = await work.listLuns()
  // A list without LUNs, or without the identity of ours, proves nothing: the kernel asks the one LUN.
  const own = shown?.find(({ lun }) => lun === request.lun)
  if (!shown || shown.length === 0 || (own && own.wwid === null && own.serial === null)) return false
  const lun = findLun(record, shown)
  if (lun === null)
    throw new LunkeeperError(
      'IDENTITY_MISMATCH',
      `none of the ${shown.length} LUNs that ${request.iqn} presents at ${formatPortal(portal)} is the expected volume`,
    )
  if (lun === request.lun) return true
  await refuseTwoNumbers(work, lun)
  await recordLun(host, record, lun, signal)
  return { kind: 'moved', from: request.lun, to: lun }
}

/**
 * A record has one LUN number. If the volume still answers at that number through another portal, it is not
 * followed to a new one, because that would take the other path away.
 * @throws LUN_ABSENT
 */
async function refuseTwoNumbers({ host, record, portal }: PathReturn, lun: Lun): Promise<void> {
  const { request, identity } = record
  const disks = readSessions(host.paths, request.iqn).flatMap(
    (session) => readDisk(host.paths, session, request.lun) ?? [],
  )
  const answers = await Promise.all(disks.map((disk) => askDisk(host, disk, identity)))
  const ours = answers.find(({ verdict }) => verdict === 'ours')
  if (ours)
    throw new LunkeeperError(
      'LUN_ABSENT',
      `${request.iqn} presents the volume as LUN ${lun} at ${formatPortal(portal)}, and still as LUN ${request.lun} through ${ours.disk.name}`,
    )
}
