import type { Host } from '../../host/host.ts'
import { configureMultipathd } from '../holding/multipathd.ts'
import { removeHoldNote } from '../../state/records/hold-note.ts'
import { restoreDirtyLimit } from '../holding/dirty-limit.ts'
import { dropStaleMarks } from '../../host/disk/path-mark.ts'
import { keepFailing } from '../../host/map/multipath.ts'
import { withLock } from '../../host/lock/lock.ts'
import { removeMountPoint } from '../../host/fs/mount.ts'
import type { Attachment, DetachReport } from '../../model/attachment.ts'
import type { Session } from '../../model/snapshot.ts'
import { targetLock } from '../../state/records/locks.ts'
import type { VolumeView } from '../../state/view/volume.ts'
import { devicesOf, disksOf, lookAtVolume } from '../../state/view/volume.ts'
import { untilNextWait } from '../../state/view/until-next-wait.ts'
import { forgetAttached } from '../../state/records/attached-note.ts'
import { forgetRegistered } from '../../state/records/registrations.ts'
import { mountsOf } from '../../state/view/users.ts'
import { removeRecord } from '../../state/records/volumes.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { giveUpReservation } from '../../state/proof/own-keys.ts'
import { proveDisks } from '../../state/proof/prove.ts'
import type { Stepper } from '../step.ts'
import type { Found } from './find.ts'
import type { Judged } from './judge.ts'
import { judge } from './judge.ts'
import { discardData, disksForDirtyData, mustDiscard, refuseLoss } from './loss.ts'
import { reconnect } from './reinstate.ts'
import type { Remade } from './remake-lost-path.ts'
import { remakeLostPath } from './remake-lost-path.ts'
import { removeDisks } from './disks.ts'
import { clearHolders } from './holders.ts'
import { removeMaps } from './maps.ts'
import { endSessions } from './sessions.ts'
import { refuseLostWrites } from './write-out.ts'
import { unmountAll } from './unmount.ts'
import { warnImmutable, unprotectDirectory } from './unprotect-directory.ts'

/** How many milliseconds an answer about identity is used: no unmounts or waits happen in between. */
const JUDGED_LIFETIME_MS = 250

export interface Dismantling {
  readonly host: Host
  readonly found: Found
  /** The identity that its devices must report before anything is written to them. */
  readonly volume: Provable
  readonly steps: Stepper
  /** Discard unwritten data, unmount mounts that are not ours, and continue after failures. */
  readonly force: boolean
  /** The current state of the volume, without anything that is not ours to remove. */
  readonly view: () => VolumeView
  readonly removed: { mounts: string[]; maps: string[]; disks: string[]; sessions: number[] }
  readonly left: string[]
  readonly signal: AbortSignal | undefined
}

/**
 * Detaches a volume from any state: mounts, maps, disks, sessions, node records, its mount point, its record. Data
 * comes first: dirty data is written, and the device confirms it, before anything is removed; if that is
 * impossible, only force continues.
 */
export async function dismantle(
  host: Host,
  found: Found,
  steps: Stepper,
  options: {
    force: boolean
    signal?: AbortSignal | undefined
    /** Sessions whose disk of this LUN may be removed. @default every session */
    mayTake?: (session: Session) => boolean
    /** Called if the detach fails before anything was removed. */
    untouched?: () => void
  },
): Promise<DetachReport> {
  const state = untilNextWait(() =>
    lookAtVolume(
      host,
      { ...found, wwid: found.record?.identity?.wwid, owner: found.record?.name },
      options.mayTake ? { counts: options.mayTake } : {},
    ),
  )
  const view = state.read
  const before = view()
  const work: Dismantling = {
    host,
    found,
    volume: {
      name: found.name,
      ...(wasUsed(host, found.record, before) ? ownedBy(found.record) : {}),
      // Without a record, or before one has an identity, a disk must match what the kernel has cached.
      identity: found.record?.identity ?? disksOf(before)[0]?.cached ?? null,
    },
    steps: thenForgetting(steps, state.forget),
    force: options.force,
    view,
    removed: { mounts: [], maps: [], disks: [], sessions: [] },
    left: [],
    signal: options.signal,
  }
  try {
    await takeApart(work)
  } catch (error) {
    if (isUntouched(work)) options.untouched?.()
    throw error
  }
  if (found.record) await forget(work, found.record)
  else await warnImmutable(work)
  return { name: found.name, removed: work.removed, left: work.left }
}

/** Each step changes the machine, so the state must be read again. */
function thenForgetting(steps: Stepper, forget: () => void): Stepper {
  return {
    step: (name, subject, work) => steps.step(name, subject, work).finally(forget),
    warn: (message) => steps.warn(message),
  }
}

/**
 * Whether this node may have unwritten data for the volume. An attach that failed before its first use, for example
 * because another node has the volume, has written nothing: to undo it, it does not matter who owns the volume.
 */
function wasUsed(host: Host, record: Attachment | null, view: VolumeView): record is Attachment {
  if (record === null) return false
  const isUnused = record.device === null && !record.fence && view.maps.length === 0
  return !isUnused || devicesOf(view.maps, disksOf(view)).some((device) => mountsOf(host, device).length > 0)
}

const ownedBy = ({ request, fence, publication }: Attachment) => ({ request, fence, publication })

async function takeApart(work: Dismantling): Promise<void> {
  const { host, found } = work
  const remade = await remakeLostPath(work)
  const judged = await withoutUnproven(work, await judgeAll(work))
  const judgedAt = performance.now()
  const disks = judged.filter(({ verdict }) => verdict !== 'foreign')
  await refuseLoss(work, disks, remade.refusal)
  const isWritable = await bringBack(work, disks, remade)
  {
    await using _ = keepFailing(host, isWritable ? [] : work.view().maps)
    const own = disks.map(({ disk }) => disk)
    await clearHolders(work, own)
    await unmountAll(work, own, isWritable)
    refuseLostWrites(work)
    await removeMaps(work, own, isWritable)
  }
  await withLock(...targetLock(host, found, 'detach', work.signal), async () => {
    const isFresh = isUntouched(work) && performance.now() - judgedAt < JUDGED_LIFETIME_MS
    await removeDisks(work, isFresh ? judged : [])
    await endSessions(work)
  })
}

/**
 * Has a path that can take the dirty data used; with force, and without one, the data is discarded.
 * @returns whether the volume can take dirty data
 */
async function bringBack(work: Dismantling, disks: readonly Judged[], remade: Remade): Promise<boolean> {
  if (work.force && mustDiscard(work, disks)) {
    await discardData(work, disks, remade.refusal)
    return false
  }
  if (!disksForDirtyData(work, disks).some(({ verdict }) => verdict === 'ours')) return false
  const unusable = await reconnect(work, disks, remade)
  if (unusable) await discardData(work, disks, unusable)
  return unusable === null
}

function isUntouched({ removed }: Dismantling): boolean {
  return [removed.mounts, removed.maps, removed.disks].every(({ length }) => length === 0)
}

async function judgeAll({ host, found, view }: Dismantling): Promise<Judged[]> {
  const { sessions, maps } = view()
  const present = sessions.flatMap(({ session, disk }) => (disk ? [{ session, disk }] : []))
  return Promise.all(present.map(({ session, disk }) => judge(host, session, disk, found.record, maps)))
}

/**
 * With force, a volume that cannot be proven to be this node's to write to counts as one that does not answer: its
 * unwritten data is discarded. The verdict is the same for all of its disks.
 */
async function withoutUnproven(work: Dismantling, all: readonly Judged[]): Promise<Judged[]> {
  const { host, volume, force } = work
  const ours = all.filter(({ verdict }) => verdict === 'ours')
  if (!force || ours.length === 0) return [...all]
  const disks = ours.map(({ disk }) => disk)
  try {
    await proveDisks(host, volume, disks)
    return [...all]
  } catch (error) {
    if (!isLunkeeperError(error) || isLunkeeperError(error, ...SILENT)) return [...all]
    // Do this while there is a path: the disk is removed together with its data.
    if (volume.fence) await giveUpReservation(host, volume, volume.fence, disks[0]!)
    return all.map((judged) => (judged.verdict === 'ours' ? { ...judged, verdict: 'silent', error } : judged))
  }
}

/** The disk does not answer now: each act that follows asks again. */
const SILENT = ['TARGET_AWAY', 'STUCK', 'IDENTITY_UNREADABLE', 'LUN_ABSENT'] as const

async function forget(work: Dismantling, record: Attachment): Promise<void> {
  const { host, steps, left } = work
  // Anything that could not be removed stays in the record, so that the next attempt finds it.
  if (left.length === 0) await unprotectDirectory(work)
  if (left.length > 0) return
  if (record.mode === 'multipathd')
    await steps.step('tell-multipathd', record.name, () => configureMultipathd(host, record.name))
  if (record.madeDirectories.length > 0)
    await steps.step('remove-mount-point', record.madeDirectories.at(-1)!, () =>
      removeMountPoint(host, record.madeDirectories),
    )
  await steps.step('forget', record.name, () => {
    removeHoldNote(host, record.name)
    forgetRegistered(host, record.name)
    forgetAttached(host, record.name)
    dropStaleMarks(host)
    restoreDirtyLimit(host)
    removeRecord(host, record.name)
    // An agent may have written one just before it saw that the record was gone.
    removeHoldNote(host, record.name)
  })
}
