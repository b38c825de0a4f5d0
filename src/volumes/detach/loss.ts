import { mustNotBeWritten, refuseMisplaced } from '../holding/misplaced.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import { stopQueueing } from '../../host/map/multipath.ts'
import { failsIo } from '../../model/disk-state.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Dismantling } from './dismantle.ts'
import type { VolumeName } from '../../model/name.ts'
import { lossOf } from '../../model/plan/hold-outage.ts'
import { giveUpKey } from '../../state/proof/own-keys.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { Judged } from './judge.ts'
import { warnUnrecorded } from './release.ts'
import { isHandedOut, isWritableRaw, whyUnwritten } from './unwritten.ts'
import { unconfirmedOf, refuseLostWrites } from './write-out.ts'

/**
 * Refuses to continue if data would be lost: the volume is in use, and no path can take its dirty data, or another
 * volume answers, which must not receive that data.
 * @param refusal why no path could be made, for a volume without one
 * @throws IDENTITY_MISMATCH FENCED TARGET_AWAY
 */
export async function refuseLoss(
  work: Dismantling,
  disks: readonly Judged[],
  refusal: LunkeeperError | null,
): Promise<void> {
  const { host, found, force } = work
  if (!force && found.record) {
    refuseMisplaced(host, found.record)
    warnDiscarded(work, found.record.name)
  }
  const lost = disks.filter(({ verdict }) => verdict === 'lost')
  // A key that this node registered while it was losing the volume would let it write.
  const fence = found.record?.fence
  if (fence) for (const { disk } of lost) await giveUpKey(host, found.record, fence, disk)
  if (lost[0] && !force) throw fenced(found.name, lost[0])
  const changed = disks.find(({ verdict }) => verdict === 'changed')
  const unconfirmed = unconfirmedOf(work)
  // A map that has lost its last disk may still hold dirty data.
  const nothing = disks.length === 0 && work.view().maps.length === 0
  if (force || nothing || disksForDirtyData(work, disks).some(({ verdict }) => verdict === 'ours')) {
    if (changed && !force) throw mismatch(found.name, changed.error, changed.disk)
    if (nothing) refuseLostWrites(work)
    return
  }
  const use = unconfirmed ? 'has not confirmed its data' : await whyUnwritten(work, disks)
  if (use === null) return warnEnded(work, disks)
  if (changed) throw mismatch(found.name, changed.error, changed.disk)
  if (refusal?.code === 'IDENTITY_MISMATCH') throw mismatch(found.name, refusal)
  const reasons = [disks[0]?.error, refusal].flatMap((error) => error?.message ?? [])
  throw new LunkeeperError(
    'TARGET_AWAY',
    `${found.name} ${use}: ${reasons.join('; ') || 'no path to it is left'}`,
    {
      hint: `${
        disks.length === 0 && found.record?.phase === 'detaching' && refusal === null
          ? 'When the target is back, run the same attach again, which finds its disk, and then detach'
          : 'Wait until the target is back'
      }; or discard the data: --force loses everything that was written but not yet synced.`,
    },
  )
}

/** The disks that can take the dirty data: without a map, only the one that its users have. */
export function disksForDirtyData({ found, view }: Dismantling, disks: readonly Judged[]): readonly Judged[] {
  if (view().maps.length > 0) return disks
  const used = disks.filter(({ disk }) => isHandedOut(found.record, disk))
  return used.length > 0 ? used : disks
}

/** Another node owns the volume, and the agent has removed it from this node: the success reports what that has cost. */
function warnDiscarded({ host, steps }: Dismantling, name: VolumeName): void {
  const note = readHoldNote(host, name)
  if (note?.kind === 'fenced') steps.warn(`${name}: ${note.trouble}; ${lossOf(note.discarded)}`)
}

/** A raw volume whose hold has ended: until now only its users know, from errors of their own I/O. */
function warnEnded({ host, found: { record }, steps, view }: Dismantling, disks: readonly Judged[]): void {
  if (!isWritableRaw(record)) return
  const hasEnded = (readHoldNote(host, record.name)?.ended ?? null) !== null
  // Beneath a map, disks fail while the map holds the I/O.
  const isFailing = view().maps.length === 0 && disks.some(({ disk }) => failsIo(disk.state))
  if (hasEnded || isFailing)
    steps.warn(
      `${record.name}: its hold ended before its target came back: data that had not reached it by then is lost`,
    )
}

function fenced(name: string, { error }: Judged): LunkeeperError {
  return new LunkeeperError('FENCED', `${name}: ${error?.message}. This node no longer writes to it.`, {
    hint: `Stop its users; then detach it and discard its unwritten data: lunkeeper detach ${name} --force`,
    ...(error ? { details: error.details } : {}),
  })
}

function mismatch(name: string, error: LunkeeperError | null, disk?: ScsiDisk): LunkeeperError {
  const where = disk ? ` at ${formatHctl(disk.hctl)}` : ''
  return new LunkeeperError(
    'IDENTITY_MISMATCH',
    `${name}: another volume answers${where}: ${error?.message}. Unmounting would write to that volume.`,
    {
      hint: `Map the right volume at this LUN again; or discard unwritten data: lunkeeper detach ${name} --force drops it and writes nothing.`,
    },
  )
}

/** Whether, with force, data must be discarded: no path can take it, or another volume or owner would get it. */
export function mustDiscard(work: Dismantling, disks: readonly Judged[]): boolean {
  const { record } = work.found
  if (record !== null && mustNotBeWritten(work.host, record)) return true
  const isWhole =
    disksForDirtyData(work, disks).some(({ verdict }) => verdict === 'ours') &&
    !disks.some(({ verdict }) => verdict === 'changed' || verdict === 'lost')
  return !isWhole
}

/**
 * With force: the disks are removed before anything else. All I/O held on them fails immediately, so that nothing
 * afterwards can hang, and nothing is written anywhere.
 * @param refusal why no path could be made or used
 * @throws CANCELLED before anything was discarded · as the removal of a disk
 */
export async function discardData(
  work: Dismantling,
  disks: readonly Judged[],
  refusal: LunkeeperError | null,
): Promise<void> {
  const { host, steps, removed, found, signal } = work
  if (signal?.aborted)
    throw new LunkeeperError('CANCELLED', `stopped before data of ${found.name} was discarded`)
  for (const map of work.view().maps) {
    await stopQueueing(host, map).catch(() => {})
    if (disks.length === 0)
      steps.warn(
        `the unwritten data of ${map.name} is lost: ${refusal?.message ?? 'no path to the volume is left'}`,
      )
  }
  for (const { session, disk, error } of disks) {
    const why = error?.message ?? refusal?.message ?? 'another path shows another volume'
    const name = disk.name ?? formatHctl(disk.hctl)
    steps.warn(`${name} was dropped, and its unwritten data is lost: ${why}`)
    await steps.step('delete-disk', name, () => removeDisk(host, disk))
    removed.disks.push(name)
    if (found.record === null) warnUnrecorded(work, session)
  }
}
