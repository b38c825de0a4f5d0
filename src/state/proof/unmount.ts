import { remountFs, unmountFs } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import { mountAt, readMounts } from '../../host/read/mounts.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { isName } from '../../model/name.ts'
import { isGivenUp } from '../../model/plan/hold-outage.ts'
import type { Mount } from '../../model/snapshot.ts'
import { readHoldNote } from '../records/hold-note.ts'
import type { Provable } from './prove.ts'
import { proveDevice, proveUnmount, withProof } from './prove.ts'

/**
 * Unmounts what is visible at a mount point, after proving that this writes to the right volume or to nothing.
 * @throws BUSY UNMOUNT_FAILED TIMEOUT IDENTITY_MISMATCH TARGET_AWAY …
 */
export async function unmountProven(host: Host, volume: Provable, point: string): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount) return
  const isSettled = mayHaveLostMetadata(host, volume, mount) && (await remount(host, volume, mount, 'ro'))
  try {
    await withProof(
      () => proveUnmount(host, volume, mount),
      (proof) => unmountFs(host, proof, point),
    )
  } catch (error) {
    // Its users go on.
    if (isSettled && isLunkeeperError(error, 'BUSY')) await remount(host, volume, mount, 'rw')
    throw error
  }
}

/**
 * Whether an ext4 may have failed to write metadata that it had committed: its hold has ended, and it was not tested since. The
 * unmount of such a file system decides that nothing is to be replayed before it finds the loss, and leaves a journal with data, for
 * which e2fsck asks a person (fs/ext4/super.c:ext4_put_super, fs/jbd2/journal.c:jbd2_journal_destroy). Made read-only
 * before, it keeps its mark, and the next check replays the journal.
 */
function mayHaveLostMetadata(host: Host, { name }: Provable, { fs, devno, options }: Mount): boolean {
  if (fs !== 'ext4' || options.includes('ro') || !isName(name)) return false
  const note = readHoldNote(host, name)
  if (note === null || note.ended === null || isGivenUp(note)) return false
  return readMounts(host.paths).filter((other) => other.devno === devno).length === 1
}

async function remount(host: Host, volume: Provable, mount: Mount, mode: 'ro' | 'rw'): Promise<boolean> {
  const once = () =>
    withProof(
      () => proveDevice(host, volume, mount),
      (proof) => remountFs(host, proof, mount, mode),
    )
  try {
    // The first one may only report, once, what was not written (mm/filemap.c:filemap_check_errors).
    return (await once()) || (mode === 'ro' && (await once()))
  } catch (error) {
    // A volume that does not answer takes nothing, and the unmount has its own proof.
    if (isLunkeeperError(error)) return false
    throw error
  }
}
