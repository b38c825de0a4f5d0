import type { Host } from '../host/host.ts'
import { readMachineId } from '../host/read/machine.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import { withReturnLock } from '../state/records/locks.ts'
import { disksOf, lookAtAttachment } from '../state/view/volume.ts'
import { isOfAnotherMachine } from '../state/view/machine.ts'
import { readRecord, readRecords, writeRecord } from '../state/records/volumes.ts'

/**
 * Writes this machine's id into the records of volumes that are attached here now: records of a version that wrote
 * no id, and records from before this machine got another id. Other volumes get it when they are attached.
 */
export async function adoptRecords(host: Host, signal: AbortSignal): Promise<void> {
  const machine = readMachineId(host.paths)
  if (machine === null) return
  for (const record of readRecords(host).attachments) {
    if (!isToBeAdopted(host, record, machine)) continue
    try {
      await withReturnLock(host, record, signal, async () => {
        const now = readRecord(host, record.name)
        if (now && isToBeAdopted(host, now, machine)) writeRecord(host, { ...now, machine })
      })
    } catch (error) {
      // An attach that is running writes the id itself; a full disk does not prevent managing the volume.
      if (!isLunkeeperError(error)) throw error
    }
  }
}

function isToBeAdopted(host: Host, record: Attachment, machine: string): boolean {
  if (record.phase !== 'ready' || record.machine === machine) return false
  if (record.machine !== undefined) return !isOfAnotherMachine(host, record)
  const view = lookAtAttachment(host, record)
  return view.maps.length > 0 || disksOf(view).length > 0
}
