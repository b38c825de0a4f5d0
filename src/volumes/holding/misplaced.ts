import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import type { Host } from '../../host/host.ts'
import { mountAt } from '../../host/read/mounts.ts'
import type { Attachment } from '../../model/attachment.ts'
import { findHoldMap, removeHoldMap } from '../../host/map/hold-map.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { isGivenUp } from '../../model/plan/hold-outage.ts'
import { keepFailing } from '../../host/map/multipath.ts'
import { isHoldMap } from '../../host/read/maps.ts'
import { openCount } from '../../host/map/open-count.ts'
import { lastingOpeners, openable, sayOpeners } from '../../state/view/openers.ts'
import { devicesOf, disksOf, lookAtAttachment } from '../../state/view/volume.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { describeUsers, mountsElsewhere } from '../../state/view/users.ts'
import { forgetFenced, readHoldNote, removeHoldNote, writeHoldNote } from '../../state/records/hold-note.ts'

/**
 * Whether another volume has answered while the volume's I/O went through, or another node has taken the volume.
 * From then on, the file system's dirty pages must not be written to any volume: they may be the other volume's
 * data, lack writes that went there, or be older than what the other node wrote.
 */
export function mustNotBeWritten(host: Host, { name }: Pick<Attachment, 'name'>): boolean {
  return isGivenUp(readHoldNote(host, name))
}

/**
 * @throws IDENTITY_MISMATCH the volume is misplaced, and its file system or device may still have data that must
 * not be written out · FENCED the same for a volume that another node took
 */
export function refuseMisplaced(host: Host, record: Attachment): void {
  const note = readHoldNote(host, record.name)
  if (note?.kind === 'fenced' && !note.isClear)
    throw new LunkeeperError('FENCED', `${record.name}: ${note.trouble}`, {
      hint:
        record.phase === 'ready'
          ? `Stop its users on this node: the agent then unmounts it. The unwritten data of this node is lost. Or detach it now: lunkeeper detach ${record.name} --force`
          : `Stop its users on this node; then detach it and discard its unwritten data: lunkeeper detach ${record.name} --force`,
    })
  if (note?.kind !== 'misplaced') return
  throw new LunkeeperError('IDENTITY_MISMATCH', `${record.name}: ${note.trouble}`, {
    hint: `Stop its users, then discard unwritten data: lunkeeper detach ${record.name} --force; then attach it again.`,
  })
}

/** Whether it is unmounted and not in use, so that reattaching it writes no old data. */
function isCleared(host: Host, { name }: Pick<Attachment, 'name'>): boolean {
  return readHoldNote(host, name)?.isClear === true
}

/**
 * Refuses a volume that was given up, unless it was unmounted since. The agent may give it up at any time, also while a
 * command works on it.
 * @throws as {@link refuseMisplaced}
 */
export function refuseGivenUp(host: Host, record: Attachment): void {
  if (!isCleared(host, record)) refuseMisplaced(host, record)
}

/**
 * The volume is attached again, checked and mounted; if another node had it, it is this node's again.
 * @param endsRemoved also the note that its disk was removed. The agent ends that one itself
 * @throws as {@link refuseMisplaced}: it was given up while it was being attached
 */
export function endMisplaced(host: Host, record: Attachment, endsRemoved: boolean): void {
  refuseGivenUp(host, record)
  const note = readHoldNote(host, record.name)
  if (isGivenUp(note) || (endsRemoved && note?.ended === 'removed')) removeHoldNote(host, record.name)
  // Without an agent, nothing has restored the note since the boot.
  else forgetFenced(host, record.name)
}

/**
 * Unmounts a misplaced or fenced volume once no process uses it: its device has no disk any more, so nothing is
 * written anywhere. The hold map of a fenced one is removed. The note then records that the volume may be attached
 * again, checked and mounted. It is removed when that has succeeded.
 * @returns who still uses it; null if it is clear
 * @throws as an unmount
 */
export async function clearMisplaced(host: Host, record: Attachment): Promise<string | null> {
  const view = lookAtAttachment(host, record)
  const devices = devicesOf(view.maps, disksOf(view))
  const { mount: point } = record.request.use
  const mount = point === null ? null : mountAt(host.paths, point)
  const others = mountsElsewhere(host, devices, point)
  if (others.length > 0) return `it is mounted at ${others.map((other) => other.point).join(', ')}`
  try {
    await using _ = keepFailing(
      host,
      view.maps.filter((map) => !isHoldMap(map)),
    )
    if (point !== null && mount?.source.startsWith('/dev/')) await unmountProven(host, record, point)
  } catch (error) {
    if (!isLunkeeperError(error, 'BUSY')) throw error
    return describeUsers(host, devices, [point!])
  }
  // A program that has the raw device open without claiming it, or waits in close, still has what it read from the
  // other volume.
  for (const map of view.maps) if ((await openCount(host, map)) > 0) return describeUsers(host, devices)
  const opened = await lastingOpeners(
    host,
    disksOf(view).flatMap((disk) => openable(disk) ?? []),
  )
  if (opened.length > 0) return sayOpeners(opened)
  for (const device of devices) {
    const isFree = await withExclusiveOpen(host, device.name, async () => true).catch(goneIsFree)
    if (!isFree) return describeUsers(host, devices)
  }
  const map = readHoldNote(host, record.name)?.kind === 'fenced' ? findHoldMap(host, record.name) : null
  if (map) await removeHoldMap(host, map)
  // A detach may have ended meanwhile, and removed it.
  const note = readHoldNote(host, record.name)
  if (isGivenUp(note) && !note.isClear) writeHoldNote(host, record.name, { ...note, isClear: true })
  return null
}

function goneIsFree(error: unknown): boolean {
  if (isLunkeeperError(error, 'NOT_FOUND')) return true
  throw error
}
