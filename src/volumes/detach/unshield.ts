import { isImmutable, setImmutable } from '../../host/fs/immutable.ts'
import { readMounts } from '../../host/read/mounts.ts'
import type { Dismantling } from './dismantle.ts'

/** Takes the protection of the bare mount point back; what keeps it there is left behind, and said. */
export async function unshieldDirectory(work: Dismantling): Promise<void> {
  const { host, found, steps, left } = work
  const directory = found.record?.protectedDirectory
  if (!directory) return
  // What is seen there would be another directory.
  if (readMounts(host.paths).some(({ point }) => point === directory)) {
    left.push(`the directory ${directory} is immutable, and something is mounted over it`)
    return
  }
  await steps.step('unprotect-mount-point', directory, async () => {
    const reason = await setImmutable(host, directory, false)
    // Nothing to take back where it is gone, or was never set.
    if (reason !== null && (await isImmutable(host, directory)))
      left.push(`the directory ${directory} is immutable: ${reason}`)
  })
}

/** Without a record nobody knows who protects it: an administrator does so as well. It stays, and that is said. */
export async function tellImmutable({ host, found, steps }: Dismantling): Promise<void> {
  if (found.point === null || !(await isImmutable(host, found.point))) return
  steps.warn(
    `the directory ${found.point} is immutable, and no record says whether Lunkeeper made it so: chattr -i ${found.point}`,
  )
}
