import type { Host } from '../../host/host.ts'
import { login } from '../../host/iscsi/login.ts'
import { logout } from '../../host/iscsi/logout.ts'
import { findNodeRecord, makeNodeRecord } from '../../host/iscsi/node-record.ts'
import { reachPortal } from '../../host/iscsi/reach.ts'
import { hasOtherChap, renewChap } from '../../host/iscsi/renew-chap.ts'
import { setRecovery } from '../../host/iscsi/recovery.ts'
import { noteLogin, noteSession } from '../../host/iscsi/session-note.ts'
import { whenAppears } from '../../host/disk/appear.ts'
import { identify } from '../../host/disk/identify.ts'
import type { PathMark } from '../../host/disk/path-mark.ts'
import { markPath, unmarkPath } from '../../host/disk/path-mark.ts'
import { rescanDisk } from '../../host/disk/remove.ts'
import { scanLun } from '../../host/disk/scan.ts'
import { holdMapName } from '../../host/map/hold-map.ts'
import { readDisk } from '../../host/read/disks.ts'
import { readSessions } from '../../host/read/sessions.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { Hctl } from '../../model/hctl.ts'
import type { Hold } from '../../model/hold.ts'
import { longerHold } from '../../model/hold.ts'
import type { ExpectedIdentity, Identity } from '../../model/identity.ts'
import { identityDifference } from '../../model/identity.ts'
import type { PathFacts } from '../../model/plan/path.ts'
import type { VolumeName } from '../../model/name.ts'
import { nextPathStep } from '../../model/plan/path.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal, samePortal } from '../../model/portal.ts'
import type { SettledRequest } from '../../model/request.ts'
import type { Chap } from '../../model/secret.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import type { Stepper } from '../step.ts'
import { dropUnusedDisk } from '../holding/drop-unused-disk.ts'
import { isOnlyBeneath } from '../holding/recovery-timers.ts'
import { withSgNode } from './sg-node.ts'
import { replaceStale } from './stale-disk.ts'

/** A working path to the volume: a session, its disk, and the identity that the disk reported. */
export interface Path {
  readonly portal: Portal
  readonly session: Session
  readonly disk: ScsiDisk & { readonly name: string; readonly devno: string }
  readonly identity: Identity
}

/** sd probes asynchronously after a scan; even a busy node finishes in a fraction of this. */
const APPEAR_DEADLINE_MS = 10_000
/** iscsid pauses 2 s between two attempts (DefaultTime2Wait). */
const RELOGIN_DEADLINE_MS = 3_000

export interface PathWork {
  readonly host: Host
  readonly request: SettledRequest
  readonly chap: Chap | null
  /** How long the path's session must hold I/O. */
  readonly recovery: Hold
  readonly expected: ExpectedIdentity
  readonly name: VolumeName
  /** The owner for whom udev keeps the disks free; null if everything may use them. */
  readonly mark: PathMark | null
  /** Sessions in which this attempt has requested the LUN; the attempt adds to them. */
  readonly scanned: Set<number>
  readonly steps: Stepper
}

/** The session that serves a portal; if there are several, the one that is logged in. */
export function sessionOf(host: Host, request: SettledRequest, portal: Portal): Session | null {
  const all = readSessions(host.paths, request.iqn).filter((s) => s.portal && samePortal(s.portal, portal))
  return all.find((session) => session.state === 'LOGGED_IN') ?? all[0] ?? null
}

/**
 * Creates one path to the volume, from any state: reads the state, takes the next step, reads again.
 * @throws the obstacle: PORTAL_… LOGIN_… LUN_ABSENT STALE_DISK IDENTITY_UNREADABLE TARGET_AWAY …
 */
export async function preparePath(work: PathWork, portal: Portal, signal?: AbortSignal): Promise<Path> {
  const { host, request, steps } = work
  if (sessionOf(host, request, portal)?.state === 'LOGGED_IN') await renewInUse(work, portal, signal)
  let known = {
    reached: false,
    waited: false,
    loggedIn: false,
    timersSet: false,
    scans: 0,
    drops: 0,
    sizeAsked: false,
    identity: null as Identity | null,
  }
  for (;;) {
    const session = sessionOf(host, request, portal)
    const disk = session && readDisk(host.paths, session, request.lun)
    const isReplaceable = session?.state === 'FREE' && isOnlyBeneath(host, session, holdMapName(work.name))
    const facts: PathFacts = { session, disk, isReplaceable, expected: work.expected, ...known }
    const where = `LUN ${request.lun} of ${request.iqn} at ${formatPortal(portal)}`
    switch (nextPathStep(facts)) {
      case 'reach':
        await reachPortal(portal, signal)
        known = { ...known, reached: true }
        break
      case 'login':
        await logIn(work, portal, signal)
        known = { ...known, loggedIn: true }
        break
      case 'await-login':
        await whenAppears(
          host,
          () => (sessionOf(host, request, portal)?.state === 'FREE' ? null : true),
          RELOGIN_DEADLINE_MS,
          signal,
        )
        known = { ...known, waited: true }
        break
      case 'log-out':
        await steps.step('logout', `session ${session!.sid}`, () => logout(host, session!.sid, signal))
        break
      case 'set-timers':
        await setTimers(work, session!)
        known = { ...known, timersSet: true }
        break
      case 'scan':
        work.scanned.add(session!.sid)
        // This must happen before the disk's first event.
        if (work.mark) await markPath(host, session!.sid, addressOf(session!, request), work.mark)
        await steps.step('scan', `${request.lun} on host${session!.host}`, () =>
          scanLun(host, session!, request.lun),
        )
        known = { ...known, scans: known.scans + 1 }
        break
      case 'appear':
        await appear(work, session!, where, signal)
        break
      case 'identify':
        known = {
          ...known,
          identity: await identify(host, await withSgNode(host, session!, disk!, signal)),
        }
        break
      case 'drop-stale-disk':
        await replaceStale(work, disk!, known.identity!)
        known = { ...known, identity: null, sizeAsked: false, drops: known.drops + 1 }
        break
      case 'read-size':
        await steps.step('rescan', disk!.name!, () => rescanDisk(host, disk!))
        known = { ...known, identity: null, sizeAsked: true }
        break
      case 'mismatch':
        if (work.scanned.has(session!.sid)) await dropScanned(work, disk!)
        throw new LunkeeperError(
          'IDENTITY_MISMATCH',
          `${where} is not the expected volume: ${identityDifference(known.identity!, work.expected)}`,
          { details: { seen: known.identity, expected: work.expected } },
        )
      case 'away':
        throw new LunkeeperError(
          'TARGET_AWAY',
          `${where}: its session ${session ? `is ${session.state}` : 'was lost immediately'}`,
          session
            ? { hint: 'iscsid logs it in again once the target answers. Then run the command again.' }
            : {},
        )
      case 'no-size':
        throw new LunkeeperError(
          'TARGET_AWAY',
          `${where} is the volume, but reports no size: this path cannot be used now (standby, unavailable or in transition)`,
          {
            hint: 'Check the state of the path on the storage system (ALUA), and which controller owns the volume.',
          },
        )
      case 'lun-absent':
        if (work.mark) unmarkPath(host, session!.sid, addressOf(session!, request))
        throw new LunkeeperError('LUN_ABSENT', `${where} does not exist`)
      case 'unidentified':
        throw new LunkeeperError(
          'IDENTITY_UNREADABLE',
          `${where} reports neither a WWID nor a serial, or a different one each time`,
        )
      case 'ready':
        return { portal, session: session!, disk: disk as Path['disk'], identity: known.identity! }
    }
  }
}

/** Removes a disk that this attempt has made and that is another volume. If that fails, the mismatch is the relevant error. */
async function dropScanned({ host, steps }: PathWork, disk: ScsiDisk): Promise<void> {
  const name = disk.name ?? formatHctl(disk.hctl)
  try {
    const isDropped = await steps.step('delete-disk', name, () => dropUnusedDisk(host, disk))
    if (!isDropped) steps.warn(`${name} was left in place: a program uses it`)
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    steps.warn(`${name} was left in place: ${error.message}`)
  }
}

/** The address that the scan requests (host/disk/scan.ts). */
function addressOf(session: Session, { lun }: SettledRequest): Hctl {
  return { host: session.host, channel: 0, target: session.targetId ?? 0, lun }
}

async function logIn(
  { host, request, recovery, chap, steps }: PathWork,
  portal: Portal,
  signal?: AbortSignal,
): Promise<void> {
  const where = formatPortal(portal)
  const settings = { recovery, chap }
  await steps.step('note-login', where, () => noteLogin(host, request.iqn, portal))
  await renew({ host, request, chap, steps }, portal, signal)
  const record =
    findNodeRecord(host, request.iqn, portal) ??
    (await steps.step('make-node-record', where, () => makeNodeRecord(host, request.iqn, portal, settings)))
  await steps.step('login', where, () => login(host, request.iqn, portal, record, settings, signal))
  const session = sessionOf(host, request, portal)
  if (session)
    await steps.step('note-session', where, () => noteSession(host, request.iqn, portal, session.sid))
}

/** @throws CHAP_FAILED, and other errors that prevent asking the target */
async function renew(
  { host, request: { iqn }, chap, steps }: Pick<PathWork, 'host' | 'request' | 'chap' | 'steps'>,
  portal: Portal,
  signal = new AbortController().signal,
): Promise<void> {
  if (chap === null || !hasOtherChap(host, iqn, portal, chap)) return
  await steps.step('renew-secret', formatPortal(portal), () => renewChap(host, iqn, portal, chap, signal))
}

/** Renews what it can: the volume is usable through its session, whatever the result. */
async function renewInUse(work: PathWork, portal: Portal, signal?: AbortSignal): Promise<void> {
  try {
    await renew(work, portal, signal)
  } catch (error) {
    if (!(error instanceof LunkeeperError) || error.code === 'CANCELLED') throw error
    work.steps.warn(
      `the CHAP credentials for ${formatPortal(portal)} were not changed, and the former ones stay in use: ${error.message}`,
    )
  }
}

/** Makes the session's timer at least as long as this volume needs; a longer one may be for another volume. */
async function setTimers({ host, recovery, steps }: PathWork, session: Session): Promise<void> {
  const wanted = longerHold(session.recoveryTmo, recovery)
  if (wanted === session.recoveryTmo) return
  await steps.step('set-timers', `session ${session.sid}`, () => {
    if (!setRecovery(host, session, wanted)) steps.warn(`the kernel rejected a recovery timer of ${wanted} s`)
  })
}

async function appear({ host, request }: PathWork, session: Session, where: string, signal?: AbortSignal) {
  const found = await whenAppears(
    host,
    () => {
      const disk = readDisk(host.paths, session, request.lun)
      // The disk is gone again: the next look decides what that means.
      return !disk || disk.name !== null ? 'settled' : null
    },
    APPEAR_DEADLINE_MS,
    signal,
  )
  if (found === null)
    throw new LunkeeperError('DISK_MISSING', `${where} exists, but the kernel created no disk for it`)
}
