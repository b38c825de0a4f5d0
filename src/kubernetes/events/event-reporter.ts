import type { HoldChange } from '../../hold/follow.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { readShutdownGrace } from '../../state/records/shutdown-grace.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Subject } from '../api/objects.ts'
import type { AffectedObjects } from './affected-objects.ts'
import { affectedObjectsOf } from './affected-objects.ts'
import type { VolumeEvent } from './volume-event.ts'
import { eventsOfChange } from './volume-event.ts'
import { expiryWarning } from './expiry-warning.ts'

/** Reports what happens to volumes to the affected objects. */
export class EventReporter {
  readonly #host: Host
  readonly #put: (subject: Subject, event: VolumeEvent) => void
  readonly #audiences = new Map<VolumeName, AffectedObjects>()
  readonly #warned = new Map<VolumeName, string>()

  constructor(host: Host, put: (subject: Subject, event: VolumeEvent) => void) {
    this.#host = host
    this.#put = put
  }

  changed(change: HoldChange): void {
    const { name, after } = change
    const record = recordOf(this.#host, name)
    const affected = record && this.affectedObjectsOf(record)
    const wanted = record?.phase === 'ready' ? safeHold(record) : null
    if (affected)
      for (const event of eventsOfChange(change, wanted, Date.now(), readShutdownGrace(this.#host)))
        this.tell(affected, affected.pods, event)
    if (after) return
    this.#audiences.delete(name)
    this.#warned.delete(name)
  }

  /** Warns once that a hold is about to end. */
  warn(name: VolumeName, note: HoldNote): void {
    const record = recordOf(this.#host, name)
    const soon = record && expiryWarning(record, note, Date.now(), readShutdownGrace(this.#host))
    if (!soon || this.#warned.get(name) === soon.id) return
    this.#warned.set(name, soon.id)
    const affected = this.affectedObjectsOf(record)
    if (affected) this.tell(affected, affected.pods, soon)
  }

  /**
   * Null for a volume that is not Kubernetes'. A volume that pods released during an outage is still the same
   * PersistentVolume.
   */
  affectedObjectsOf(record: Attachment): AffectedObjects | null {
    if (record.orchestrator === undefined) return null
    const seen = affectedObjectsOf(this.#host, record)
    const volume = seen.volume ?? this.#audiences.get(record.name)?.volume ?? null
    this.#audiences.set(record.name, { ...seen, volume })
    return { ...seen, volume }
  }

  tell({ volume }: AffectedObjects, pods: readonly string[], event: VolumeEvent): void {
    if (volume !== null) this.#put({ kind: 'PersistentVolume', name: volume }, event)
    const message = volume === null ? event.message : `volume ${volume}: ${event.message}`
    for (const uid of pods) this.#put({ kind: 'Pod', uid }, { ...event, message })
  }
}

/** Null also for one that cannot be read: the agent's log and the doctor report it. */
export function recordOf(host: Host, name: VolumeName): Attachment | null {
  try {
    return readRecord(host, name)
  } catch {
    return null
  }
}
