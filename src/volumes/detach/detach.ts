import type { Host } from '../../host/host.ts'
import { resolveDirectory } from '../../host/fs/mount.ts'
import { withLock } from '../../host/lock/lock.ts'
import { requireRoot } from '../../host/root.ts'
import type { DetachReport } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { defaultName } from '../../model/name.ts'
import type { Session } from '../../model/snapshot.ts'
import { dropStaleAttached } from '../../state/records/attached-note.ts'
import { recordAct } from '../../state/records/history.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { readRecord, writeRecord } from '../../state/records/volumes.ts'
import type { OperationControl } from '../step.ts'
import { stepper } from '../step.ts'
import { dismantle } from './dismantle.ts'
import type { Found } from './find.ts'
import { findVolume } from './find.ts'

export interface DetachControl extends OperationControl {
  /** Discard unwritten data that cannot be written, and unmount mounts made by others. */
  readonly force?: boolean
  /** Sessions whose disk of the LUN may be removed. @default every session */
  readonly mayTake?: (session: Session) => boolean
}

/**
 * Detaches a volume from this node. Nothing of the volume is left, and nothing else is touched. After a failure or
 * crash, run it again: it continues from the current state.
 * @param handle name, mount point or device
 * @throws LunkeeperError; LEFT_BEHIND names what could not be removed
 */
export async function detach(host: Host, handle: string, options: DetachControl = {}): Promise<DetachReport> {
  const named =
    handle.startsWith('/') && !handle.startsWith('/dev/') ? await resolvedOr(host, handle) : handle
  return detachFound(host, () => findVolume(host, named), options)
}

/**
 * Detaches a volume that is identified in another way. @param find reads the state each time, and throws if there is
 * none
 */
export async function detachFound(
  host: Host,
  find: () => Found,
  options: DetachControl = {},
): Promise<DetachReport> {
  requireRoot('detaching a volume')
  host.workers.warm()
  const first = find()
  const report = await withLock(
    ...volumeLock(host, first.record ?? first, 'detach', options.signal),
    async () => {
      // While this call waited, another detach may have completed, or an attach may have changed the volume.
      const found = find()
      const { record } = found
      const steps = stepper(record?.name ?? defaultName(found.iqn, found.lun), options.observer ?? {})
      if (record && record.phase !== 'detaching')
        await steps.step('mark-detaching', record.name, () =>
          writeRecord(host, { ...record, phase: 'detaching' }),
        )
      const force = options.force ?? false
      const done = await dismantle(host, found, steps, {
        force,
        ...(options.mayTake ? { mayTake: options.mayTake } : {}),
        signal: options.signal,
        // Refused without a change: the volume stays in use, and its hold continues.
        untouched: () => {
          if (record?.phase !== 'ready') return
          const now = readRecord(host, record.name)
          // If its reservation was given back, another node may have the volume by now.
          if (!now?.fence?.isReleasing) writeRecord(host, { ...record, writeOut: now?.writeOut ?? null })
        },
      })
      if (record === null) dropStaleAttached(host)
      if (record && done.left.length === 0) recordAct(host, record.name, { event: 'detached', forced: force })
      return done
    },
  )
  if (report.left.length > 0)
    throw new LunkeeperError('LEFT_BEHIND', `${report.name}: left behind: ${report.left.join('; ')}`, {
      details: { ...report },
    })
  return report
}

/** A mount point as the kernel prints it; unchanged if the path to it hangs. */
async function resolvedOr(host: Host, path: string): Promise<string> {
  try {
    return await resolveDirectory(host, path)
  } catch {
    return path
  }
}
