import type { Host } from '../../host/host.ts'
import { resolveDirectory } from '../../host/fs/mount.ts'
import { withLock } from '../../host/lock/lock.ts'
import type { DetachReport } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { defaultName } from '../../model/name.ts'
import type { Session } from '../../model/snapshot.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { readRecord, writeRecord } from '../../state/records/volumes.ts'
import type { Observer } from '../step.ts'
import { stepper } from '../step.ts'
import { dismantle } from './dismantle.ts'
import type { Found } from './find.ts'
import { findVolume } from './find.ts'

export interface DetachOptions {
  /** Lose what is unwritten and cannot be written, and unmount what others mounted. */
  readonly force?: boolean
  /** Whose disk of its LUN may be taken. @default every session's */
  readonly mayTake?: (session: Session) => boolean
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

/**
 * Takes a volume off this node. Nothing of it is left, and nothing of anybody else's is touched.
 * Run again after any failure or crash, it goes on from what is there.
 * @param handle name, mount point or device
 * @throws LunkeeperError; LEFT_BEHIND names what could not be removed
 */
export async function detach(host: Host, handle: string, options: DetachOptions = {}): Promise<DetachReport> {
  const named =
    handle.startsWith('/') && !handle.startsWith('/dev/') ? await resolvedOr(host, handle) : handle
  return detachFound(host, () => findVolume(host, named), options)
}

/** The same for a volume that is known in another way. @param find looks anew each time, and throws where it is not there */
export async function detachFound(
  host: Host,
  find: () => Found,
  options: DetachOptions = {},
): Promise<DetachReport> {
  if (process.getuid?.() !== 0) throw new LunkeeperError('NO_PERMISSION', 'detaching a volume needs root')
  host.hands.warm()
  const first = find()
  const report = await withLock(
    ...volumeLock(host, first.record ?? first, 'detach', options.signal),
    async () => {
      // While we waited, another detach may have ended it, or an attach changed it.
      const found = find()
      const { record } = found
      const steps = stepper(record?.name ?? defaultName(found.iqn, found.lun), options.observer ?? {})
      if (record && record.phase !== 'detaching')
        await steps.step('mark-detaching', record.name, () =>
          writeRecord(host, { ...record, phase: 'detaching' }),
        )
      return dismantle(host, found, steps, {
        force: options.force ?? false,
        ...(options.mayTake ? { mayTake: options.mayTake } : {}),
        signal: options.signal,
        // Refused, and as it was: it is used on, and its hold goes on.
        untouched: () => {
          const owed = record && readRecord(host, record.name)?.writeOut
          if (record?.phase === 'ready') writeRecord(host, { ...record, writeOut: owed ?? null })
        },
      })
    },
  )
  if (report.left.length > 0)
    throw new LunkeeperError('LEFT_BEHIND', `${report.name}: left behind: ${report.left.join('; ')}`, {
      details: { ...report },
    })
  return report
}

/** A mount point as the kernel prints it; as it was given where the way there hangs. */
async function resolvedOr(host: Host, path: string): Promise<string> {
  try {
    return await resolveDirectory(host, path)
  } catch {
    return path
  }
}
