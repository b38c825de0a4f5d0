import { isImmutable, setImmutable } from '../../host/fs/immutable.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Stepper } from '../step.ts'

interface ProtectionWork {
  readonly host: Host
  readonly steps: Stepper
  readonly record: () => Attachment
  readonly note: (change: Partial<Attachment>) => void
}

/**
 * Makes the bare directory below a mount immutable, so that writes while the volume is not mounted are rejected
 * instead of reaching another disk, even through a bind mount of the directory. The file system mounted on top is
 * not affected. If the file system that contains the directory has no such flag (NFS, overlay), the directory stays
 * as it is.
 */
export async function protectDirectory(work: ProtectionWork, directory: string): Promise<void> {
  const { host, steps, record, note } = work
  const ours = record().protectedDirectory === directory
  const immutable = await isImmutable(host, directory).catch(unavailable(steps))
  // Immutable, but not set by us: it stays protected.
  if (immutable !== false) return
  await steps.step('protect-mount-point', directory, async () => {
    // Recorded before the change: a crash in between must not leave a directory that cannot be removed.
    if (!ours) note({ protectedDirectory: directory })
    if ((await setImmutable(host, directory, true)) !== null) note({ protectedDirectory: null })
  })
}

function unavailable(steps: Stepper) {
  return (error: unknown): null => {
    if (!isLunkeeperError(error, 'PROGRAM_MISSING', 'TIMEOUT')) throw error
    steps.warn(
      `the mount point is not protected against writes while nothing is mounted there: ${error.message}`,
    )
    return null
  }
}
