import { remountFs } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import { mountsOfSameDevice } from '../../host/read/mount-copies.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { isName } from '../../model/name.ts'
import { isGivenUp } from '../../model/plan/hold-outage.ts'
import type { Mount } from '../../model/snapshot.ts'
import type { Provable } from '../../state/proof/prove.ts'
import { proveDevice, withProof } from '../../state/proof/prove.ts'
import { unmountProven } from '../../state/proof/unmount.ts'
import { readHoldNote } from '../../state/records/hold-note.ts'
import type { Device } from '../../state/view/users.ts'
import { isUdev, usersOf } from '../../state/view/users.ts'

/**
 * Unmounts a file system whose hold may have ended. An ext4 that then failed to write committed metadata must be
 * made read-only first. Otherwise its unmount decides that nothing needs to be replayed before it finds the loss,
 * and leaves a journal with data, for which e2fsck asks a person (fs/ext4/super.c:ext4_put_super,
 * fs/jbd2/journal.c:jbd2_journal_destroy). If it is made read-only, it keeps its mark, and the next check replays
 * the journal.
 * @throws as unmountProven()
 */
export async function unmountAfterHold(
  host: Host,
  volume: Provable,
  device: Device,
  mount: Mount,
): Promise<void> {
  const isSettled =
    mayHaveLostMetadata(host, volume, mount) &&
    !(await isUsed(host, device, mount)) &&
    (await remount(host, volume, mount, 'ro'))
  try {
    await unmountProven(host, volume, mount.point)
  } catch (error) {
    // The file system stays mounted, as it was before.
    if (isSettled && mountAt(host.paths, mount.point)?.devno === mount.devno)
      await remount(host, volume, mount, 'rw')
    throw error
  }
}

function mayHaveLostMetadata(host: Host, { name }: Provable, mount: Mount): boolean {
  if (mount.fs !== 'ext4' || mount.options.includes('ro') || !isName(name)) return false
  if (mountsOfSameDevice(host.paths, mount).length !== 1) return false
  try {
    const note = readHoldNote(host, name)
    return note !== null && note.ended !== null && !isGivenUp(note)
  } catch (error) {
    if (isLunkeeperError(error)) return false
    throw error
  }
}

/** Whether a process would notice that it cannot write: then the unmount fails, or leaves another mount namespace as it is. */
async function isUsed(host: Host, device: Device, { point }: Mount): Promise<boolean> {
  const { processes, namespaces } = await usersOf(host, [device], [point])
  return namespaces.length > 0 || processes.some((one) => one.what !== 'device' && !isUdev(one))
}

async function remount(host: Host, volume: Provable, mount: Mount, mode: 'ro' | 'rw'): Promise<boolean> {
  const once = () =>
    withProof(
      () => proveDevice(host, volume, mount),
      (proof) => remountFs(host, proof, mount, mode),
    )
  try {
    // The first attempt may only report, once, what was not written (mm/filemap.c:filemap_check_errors).
    return (await once()) || (mode === 'ro' && (await once()))
  } catch (error) {
    // A volume that does not answer accepts no writes, and the unmount has its own proof. A remount that continues
    // in the kernel would end after the unmount, which it would make fail.
    if (isLunkeeperError(error) && (mode === 'rw' || error.code !== 'TIMEOUT')) return false
    throw error
  }
}
