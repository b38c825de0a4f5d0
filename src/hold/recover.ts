import { syncDevice } from '../host/disk/sync.ts'
import type { Host } from '../host/host.ts'
import { fsInstance, lastErrorMs } from '../host/read/file-systems.ts'
import { isOfMissingDevice, mountAt } from '../host/read/mounts.ts'
import { readHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { Ext4Mark } from '../model/ext4-mark.ts'
import { attach } from '../volumes/attach/attach.ts'
import { primeMark } from '../state/proof/ext4-mark.ts'
import { proveDevice, withProof } from '../state/proof/prove.ts'
import { testWriteProven } from '../state/proof/test-write.ts'
import { unmountDeadMount } from '../volumes/holding/dead-mount.ts'
import { unmountAfterHold } from '../volumes/holding/unmount-after-hold.ts'
import type { OperationControl } from '../volumes/step.ts'
import type { Device } from '../state/view/users.ts'
import { isReplaced, lookAtAttachment } from '../state/view/volume.ts'
import { describeUsers, mountsElsewhere } from '../state/view/users.ts'

/**
 * After I/O has failed: tests whether the file system still accepts writes and has lost none of its own metadata.
 * If it fails the test, it is unmounted, checked and mounted again once it is no longer in use. Which volume
 * answers is proven before the test and before the unmount, because both write.
 * @throws IDENTITY_MISMATCH another volume answers: nothing was done · TARGET_AWAY and others
 * @returns what prevents it; null if the file system is usable
 */
export async function recover(
  host: Host,
  record: Attachment,
  device: Device,
  options: Required<OperationControl>,
): Promise<string | null> {
  const { mount: point, readOnly } = record.request.use
  // A new disk may have the name of the one that was removed, and lacks what attach has set for it.
  const isNew =
    isReplaced(record, lookAtAttachment(host, record)) || readHoldNote(host, record.name)?.ended === 'removed'
  if (!isNew && (point === null || readOnly)) return null
  const mount = point === null ? null : mountAt(host.paths, point)
  let mark: Ext4Mark | null = null
  if (point !== null && mount && isOfMissingDevice(host.paths, mount)) {
    try {
      await unmountDeadMount(host, record)
    } catch (error) {
      if (!isLunkeeperError(error, 'BUSY')) throw error
      return `the disk of its mount was removed, and it must be mounted again once it is not in use: ${await describeUsers(host, [], [point])}`
    }
  } else if (point !== null && mount?.devno === device.devno) {
    const broken =
      (await testWriteProven(host, record, device, point)) ?? (await lossOf(host, record, device))
    if (broken === null) return null
    // These mounts would keep the file system alive, so it could not be remounted.
    const others = mountsElsewhere(host, [device], point)
    if (others.length > 0)
      return `its file system is broken (${broken}), and must be remounted once it is not in use: it is mounted at ${others.map((other) => other.point).join(', ')}`
    mark = await primeMark(host, record.request.use)
    try {
      await unmountAfterHold(host, record, device, mount)
    } catch (error) {
      if (!isLunkeeperError(error, 'BUSY')) throw error
      return `its file system is broken (${broken}), and must be remounted once it is not in use: ${await describeUsers(host, [device], [point])}`
    }
  }
  await attach(host, asAsked(record), { ...options, onlyAgain: true, mark })
  return null
}

/** There is little metadata, and the kernel writes it out all the time. */
const SYNC_DEADLINE_MS = 60_000
/** ext4 records whole seconds. */
const SECOND_MS = 1_000

/**
 * What metadata the file system lost while I/O failed, although it still accepts writes. Its journal is aborted
 * only when it next needs what was not written (fs/jbd2/journal.c:jbd2_journal_update_sb_log_tail), which may be
 * hours later.
 */
async function lossOf(host: Host, record: Attachment, device: Device): Promise<string | null> {
  const note = readHoldNote(host, record.name)
  const instance = fsInstance(host.paths, device.name)
  if (note === null || instance === null) return null
  if (note.doubted === instance) return 'its metadata may not have been written'
  const errorMs = lastErrorMs(host.paths, device.name)
  if (errorMs !== null && errorMs >= Date.parse(note.since) - SECOND_MS) return 'it has recorded an error'
  const lost = await withProof(
    () => proveDevice(host, record, device),
    (proof) => {
      // The kernel reports this once: neither the next attempt nor another agent may take the file system for
      // healthy.
      noteDoubt(host, record, instance)
      return syncDevice(host, proof, device, SYNC_DEADLINE_MS)
    },
  )
  if (lost !== null) return `its metadata was not written: ${lost}`
  noteDoubt(host, record, null)
  return null
}

/** @param instance the file system that is doubted; null if none is */
function noteDoubt(host: Host, { name }: Attachment, instance: string | null): void {
  try {
    const note = readHoldNote(host, name)
    if (note === null) return
    const { doubted: _, ...rest } = note
    writeHoldNote(host, name, instance === null ? rest : { ...rest, doubted: instance })
  } catch (error) {
    // A full /run must not prevent a volume from coming back.
    if (!isLunkeeperError(error, 'NO_SPACE', 'RECORD_UNWRITABLE')) throw error
  }
}
