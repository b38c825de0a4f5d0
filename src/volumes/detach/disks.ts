import type { ExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { withExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { isMarkedPath } from '../../host/disk/path-mark.ts'
import { removeDisk } from '../../host/disk/remove.ts'
import { readDisk, readDiskByName } from '../../host/read/disks.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { formatHctl } from '../../model/hctl.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import { lastingOpeners, openable, refuseKernelUse, sayOpeners } from '../../state/view/openers.ts'
import { syncDevice } from '../../host/disk/sync.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import { askDisk } from '../../state/proof/ask.ts'
import { describeUsers } from '../../state/view/users.ts'
import { dropUnusedDisk } from '../holding/drop-unused-disk.ts'
import type { Dismantling } from './dismantle.ts'
import { flushDevice } from './flush.ts'
import type { Judged } from './judge.ts'
import { judge } from './judge.ts'
import { releaseVolume, warnKept, warnUnrecorded } from './release.ts'

/**
 * Flushes and removes every disk of the volume. Each disk is claimed, so that nothing else has or takes it;
 * flushed, with confirmation by the device; asked for its identity once more; then deleted, and verified to be
 * gone.
 * @param judged a moment ago; all other disks are asked now
 * @throws BUSY FLUSH_FAILED IDENTITY_MISMATCH STUCK
 */
export async function removeDisks(work: Dismantling, judged: readonly Judged[]): Promise<void> {
  const { host, found } = work
  const all: Judged[] = []
  for (const { session, disk } of work.view().sessions) {
    if (!disk) continue
    const verdict =
      judged.find((known) => isSame(known, session, disk)) ??
      (await judge(host, session, disk, found.record, work.view().maps))
    if (verdict.verdict !== 'foreign') all.push(verdict)
    else if (!(await dropOwnPath(work, session, disk)))
      work.steps.warn(`${disk.name} is another volume's disk at LUN ${found.lun}: it is left alone`)
  }
  const last = all.findLast(({ verdict }) => verdict === 'ours')
  for (const one of all) {
    await removeOne(work, one, one === last)
    confirmGone(work, one.session, one.disk)
  }
  const fence = found.record?.fence
  const isLost = all.some(({ verdict }) => verdict === 'lost') || isFenced(host, found.record)
  if (!last && fence && !isLost) warnKept(work, fence, all[0]?.error?.message ?? 'no path to it is left')
  if (!last && !found.record) for (const { session } of all) warnUnrecorded(work, session)
}

/** Another node has the volume, and has taken this node's reservation. */
function isFenced(host: Host, record: Attachment | null): boolean {
  return record !== null && readHoldNote(host, record.name)?.kind === 'fenced'
}

/**
 * Also removes a disk that was created as a path of this volume before it answered as another one: the agent or the
 * attach that created it was killed before it could remove the disk.
 */
async function dropOwnPath(
  { host, steps, removed }: Dismantling,
  { sid }: Session,
  disk: ScsiDisk,
): Promise<boolean> {
  if (disk.holders.length > 0 || !isMarkedPath(host, sid, disk.hctl)) return false
  const name = disk.name ?? formatHctl(disk.hctl)
  const isDropped = await steps.step('delete-disk', name, () => dropUnusedDisk(host, disk))
  if (isDropped) removed.disks.push(name)
  return isDropped
}

function isSame(known: Judged, session: Session, disk: ScsiDisk): boolean {
  return known.session.sid === session.sid && known.disk.name === disk.name && known.disk.state === disk.state
}

/** @param isLast no other path of the volume will be flushed after it */
async function removeOne(work: Dismantling, { disk, verdict }: Judged, isLast: boolean): Promise<void> {
  const { host, steps, removed, force, volume } = work
  const name = disk.name ?? formatHctl(disk.hctl)
  const remove = async () => {
    await steps.step('delete-disk', name, () => removeDisk(host, disk))
    removed.disks.push(name)
    return true
  }
  if (disk.name === null) return void (await remove())
  await refuseOpen(work, disk)
  try {
    const done = await withExclusiveOpen(
      host,
      disk.name,
      async (claim) => {
        // If the volume does not answer, it has no dirty data here: detach refused before, or discarded the data.
        if (verdict === 'ours' && disk.devno !== null) {
          await flushDevice(work, { name, devno: disk.devno }, withPartitions(work, name, claim))
          // If the LUN was swapped during the flush, the confirmation may be another volume's.
          const again = await askDisk(host, disk, volume.identity)
          if (again.verdict === 'stranger' && !force) throw again.error!
          // With force, after a swap: the registration on the other volume is not this volume's to release.
          const fence = work.found.record?.fence
          if (isLast && again.verdict !== 'stranger') await releaseVolume(work, disk)
          else if (isLast && fence && !fence.isReleasing) warnKept(work, fence, again.error!.message)
        }
        return remove()
      },
      { patient: true },
    )
    if (!done && force) await remove()
    else if (!done)
      throw new LunkeeperError('BUSY', `${name} is in use: ${await describeUsers(host, [disk])}`)
  } catch (error) {
    // The disk went offline when its timer expired: no program can open it, and it has nothing to flush.
    if (!isLunkeeperError(error, 'NOT_FOUND')) throw error
    await remove()
  }
}

/**
 * The disk with its present partitions. Each partition has a cache of its own that a flush of the disk does not
 * write out, and a program that has closed a partition may be waiting for that in the kernel.
 */
function withPartitions({ host }: Dismantling, name: string, claim: ExclusiveOpen): ExclusiveOpen {
  return {
    async flush(proof, deadline) {
      for (const part of readDiskByName(host.paths, name, { identity: false })?.partitions ?? []) {
        const failed = await syncDevice(host, proof, part, deadline)
        if (failed !== null)
          throw new LunkeeperError('FLUSH_FAILED', `${part.name} did not accept all data: ${failed}`)
      }
      await claim.flush(proof, deadline)
    },
  }
}

/**
 * Refuses a raw device that a program has open without claiming it, such as a virtual machine's disk, or the disk
 * of an attach that did not reach the mount.
 */
async function refuseOpen({ host, found: { record }, force }: Dismantling, disk: ScsiDisk): Promise<void> {
  const wasMounted = record?.request.use.mount && record.phase !== 'attaching'
  const device = openable(disk)
  if (force || wasMounted || !device) return
  refuseKernelUse(host, [device])
  const users = await lastingOpeners(host, [device])
  if (users.length > 0) throw new LunkeeperError('BUSY', `${disk.name} is in use: ${sayOpeners(users)}`)
}

function confirmGone({ host, found, left }: Dismantling, session: Session, disk: ScsiDisk): void {
  const now = readDisk(host.paths, session, found.lun, { identity: false })
  if (now && now.name === disk.name && now.state !== 'deleted')
    left.push(`disk ${disk.name ?? formatHctl(disk.hctl)} (${now.state})`)
}
