import type { Host } from '../../host/host.ts'
import { readMounts } from '../../host/read/mounts.ts'
import { isHolding, readHoldNote } from '../../state/records/hold-note.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { testWriteProven } from '../../state/proof/test-write.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { unmountAfterHold } from '../../volumes/holding/unmount-after-hold.ts'
import { describeUsers, isUdev, usersOf } from '../../state/view/users.ts'
import type { Staged } from './staged.ts'
import { isDeadMount } from './staged.ts'

/** Whether the hold of a volume has ended, so that its unwritten data is lost and its file system is probably broken. */
export function hasLostData(host: Host, { name }: Attachment): boolean {
  const note = readHoldNote(host, name)
  return note !== null && note.ended !== null
}

/**
 * Why a new pod cannot use the file system at the staging path; null if it can, or if I/O is held.
 * @throws IDENTITY_MISMATCH another volume answers · TARGET_AWAY STUCK …
 */
export async function stagingTrouble(
  host: Host,
  record: Attachment,
  { device, mount }: Staged,
): Promise<string | null> {
  const { mount: point, readOnly } = record.request.use
  // A file system whose I/O is held is not accessed.
  if (isHolding(host, record.name)) return null
  if (!device) return 'its device is gone'
  if (point === null) return null
  if (!mount) return `it is not mounted at ${point}`
  if (readOnly) return null
  return testWriteProven(host, record, device, point)
}

/**
 * Unmounts the volume from its staging path, if it is not in use, so that it can be mounted again: a broken mount, or one of
 * a device that is gone.
 * @param targets target paths that are unmounted as well
 * @throws BUSY a pod or another process uses it
 */
export async function clearStaging(
  host: Host,
  record: Attachment,
  staged: Staged,
  targets: readonly string[] = [],
): Promise<void> {
  const staging = record.request.use.mount
  const others = staged.published.filter(({ point }) => !targets.includes(point))
  if (others.length > 0)
    throw broken(record, `it is still published at ${others.map(({ point }) => point).join(', ')}`)
  const mounts = readMounts(host.paths).filter(
    ({ point, devno }) =>
      (point === staging && (devno === staged.device?.devno || isDeadAt(devno))) || targets.includes(point),
  )
  if (mounts.length === 0) return
  await refuseUsers(host, record, staged)
  // The last mount is the visible one.
  for (const mount of mounts.toReversed()) {
    const { device } = staged
    const unmount = () =>
      mount.devno === device?.devno
        ? unmountAfterHold(host, record, device, mount)
        : unmountProven(host, record, mount.point)
    await unmount().catch((error: unknown) => {
      throw isLunkeeperError(error, 'BUSY') ? broken(record, error.message) : error
    })
  }

  function isDeadAt(devno: string): boolean {
    return readMounts(host.paths).some((mount) => mount.devno === devno && isDeadMount(host, mount))
  }
}

async function refuseUsers(host: Host, record: Attachment, { device, published }: Staged): Promise<void> {
  if (!device) return
  const points = [record.request.use.mount ?? [], ...published.map(({ point }) => point)].flat()
  const users = await usersOf(host, [device], points)
  if (users.namespaces.length === 0 && users.processes.every(isUdev)) return
  throw broken(record, await describeUsers(host, [device], points))
}

function broken({ name }: Attachment, users: string): LunkeeperError {
  return new LunkeeperError(
    'BUSY',
    `${name} is broken and must be remounted, which is blocked by its users: ${users}`,
    {
      hint: 'Delete the pods that use it; new pods then get a healthy file system.',
    },
  )
}
