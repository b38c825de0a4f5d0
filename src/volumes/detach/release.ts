import { readReservations, releaseReservation } from '../../host/disk/reservations.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { Registration } from '../../model/reservation.ts'
import { formatKey } from '../../model/reservation.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import { forgetRegistered, registeredBy } from '../../state/records/registrations.ts'
import { readRecord, readRecords, writeRecord } from '../../state/records/volumes.ts'
import type { Dismantling } from './dismantle.ts'

/**
 * Gives the volume's reservation back once everything is written: from then on another node may have it. If it
 * cannot be released, that is a warning: this node takes it over at its next attach.
 */
export async function releaseVolume(work: Dismantling, disk: ScsiDisk): Promise<void> {
  const { host, found, steps } = work
  const record = found.record && readRecord(host, found.record.name)
  const fence = record?.fence ?? found.record?.fence
  if (!found.record) return releaseUnrecorded(work, disk)
  if (!fence) return
  // Recorded first: if this is cut off, the next run must not take the missing reservation for a loss.
  if (record && !fence.isReleasing) writeRecord(host, { ...record, fence: { ...fence, isReleasing: true } })
  try {
    await steps.step('release', `${disk.name} ${formatKey(fence.key)}`, () =>
      releaseReservation(host, disk, fence),
    )
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    warnKept(work, fence, error.message)
  }
}

/**
 * Releases the reservation of a volume whose record is lost. A volume that has a record keeps it: its attach
 * failed, and removes only the path that it created. Notes of this boot show which key this node registered for it
 * over this session.
 */
async function releaseUnrecorded({ host, steps }: Dismantling, disk: ScsiDisk): Promise<void> {
  try {
    const keys = (await readReservations(host, disk))?.keys ?? []
    for (const { name, key: noted } of unrecordedBy(host, disk.sid)) {
      const key = keys.find((one) => one === noted)
      if (key === undefined) continue
      await steps.step('release', `${disk.name} ${formatKey(key)}`, () =>
        releaseReservation(host, disk, { key, persists: false }),
      )
      forgetRegistered(host, name)
    }
  } catch (error) {
    if (!isLunkeeperError(error)) throw error
    steps.warn(`cannot determine whether this node still holds a reservation on the target: ${error.message}`)
  }
}

/**
 * For a volume whose record is lost, and that no disk of the session reached: as far as is known, the target still
 * has what this session has registered for volumes without a record.
 */
export function warnUnrecorded({ host, steps }: Dismantling, { sid }: Session): void {
  for (const { name, key } of unrecordedBy(host, sid)) {
    steps.warn(
      `the target may still have a reservation of this node, for ${name} (key 0x${key}): another node needs --take-over`,
    )
    forgetRegistered(host, name)
  }
}

/** What this session has registered for volumes that have no record. */
function unrecordedBy(host: Host, sid: number): ReturnType<typeof registeredBy> {
  const recorded: ReadonlySet<string> = new Set(readRecords(host).attachments.map(({ name }) => name))
  return registeredBy(host, sid).filter(({ name }) => !recorded.has(name))
}

/** If no path answers, nothing can be released. */
export function warnKept({ steps }: Dismantling, { key }: Registration, why: string): void {
  steps.warn(
    `the target may still have this node's reservation (key ${formatKey(key)}): ${why}. This node takes it over when it attaches the volume again; another one needs --take-over.`,
  )
}
