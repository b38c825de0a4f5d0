import type { Host } from '../host/host.ts'
import { mountAt } from '../host/read/mounts.ts'
import { isLunkeeperError } from '../model/errors.ts'
import {
  fencedNames,
  readFencedNote,
  readHoldNote,
  removeHoldNote,
  writeHoldNote,
} from '../state/records/hold-note.ts'
import { readRecord } from '../state/records/volumes.ts'
import { disksOf, lookAtAttachment } from '../state/view/volume.ts'
import type { AgentLog } from './log.ts'

/**
 * Restores the notes of volumes that were `fenced` when the node went down: a node that has lost a volume does not attach it again
 * automatically, even once the other node has given it back. A person, or Kubernetes, decides.
 */
export function restoreFenced(host: Host, log: AgentLog): void {
  for (const name of fencedNames(host)) {
    try {
      const record = readRecord(host, name)
      // A detach that was killed has left it.
      if (record === null) removeHoldNote(host, name)
      else if (readHoldNote(host, name) === null) {
        const view = lookAtAttachment(host, record)
        // Users of a hold map never had its disks.
        const isFree = view.maps.length === 0 && (record.mode === 'map' || disksOf(view).length === 0)
        const { mount } = record.request.use
        const isClear = isFree && (mount === null || mountAt(host.paths, mount) === null)
        // An attach that ends meanwhile removes it.
        const note = readFencedNote(host, name)
        if (note) writeHoldNote(host, name, isClear ? { ...note, isClear } : note)
      }
    } catch (error) {
      if (!isLunkeeperError(error)) throw error
      log.say(name, `cannot restore that another node has the volume: ${error.message}`)
    }
  }
}
