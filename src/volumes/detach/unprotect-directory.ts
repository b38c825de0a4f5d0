import { isImmutable, setImmutable } from '../../host/fs/immutable.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Dismantling } from './dismantle.ts'

/** Removes the protection of the bare mount point; if that fails, the directory is reported as left behind. */
export async function unprotectDirectory(work: Dismantling): Promise<void> {
  const { host, found, steps, left } = work
  const directory = found.record?.protectedDirectory
  if (!directory) return
  // Another directory is visible at this path.
  if (readMounts(host.paths).some(({ point }) => point === directory)) {
    left.push(`the directory ${directory} is immutable, and something is mounted over it`)
    return
  }
  await steps.step('unprotect-mount-point', directory, async () => {
    const reason = await setImmutable(host, directory, false)
    // There is nothing to undo if the directory is gone, or if the flag was never set.
    if (reason !== null && (await isImmutable(host, directory)))
      left.push(`the directory ${directory} is immutable: ${reason}`)
  })
}

/** Without a record it is unknown who set the flag, which administrators also use. The flag stays, and is reported. */
export async function warnImmutable({ host, found, steps }: Dismantling): Promise<void> {
  if (found.point === null || !(await isImmutable(host, found.point))) return
  steps.warn(
    `the directory ${found.point} is immutable, and no record says whether Lunkeeper made it so: chattr -i ${found.point}`,
  )
}
