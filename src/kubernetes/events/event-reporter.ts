import type { HoldChange } from '../../hold/follow.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import { monotonicMs } from '../../host/clock.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { hasOneWriter } from '../../model/request.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { readShutdownGrace } from '../../state/records/shutdown-grace.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Subject } from '../api/objects.ts'
import type { AffectedObjects } from './affected-objects.ts'
import { affectedObjectsOf } from './affected-objects.ts'
import type { VolumeEvent } from './volume-event.ts'
import { eventsOfChange, unguarded } from './volume-event.ts'
import { expiryWarning } from './expiry-warning.ts'

/** Reports events of volumes on the Kubernetes objects that they affect. */
export class EventReporter {
  readonly #host: Host
  readonly #put: (subject: Subject, event: VolumeEvent) => void
  readonly #audiences = new Map<VolumeName, AffectedObjects>()
  readonly #warned = new Map<VolumeName, string>()
  /** By volume: the objects that show that it is unguarded, and under which VolumeAttachment. */
  readonly #unguarded = new Map<VolumeName, Set<string>>()

  constructor(host: Host, put: (subject: Subject, event: VolumeEvent) => void) {
    this.#host = host
    this.#put = put
  }

  /** Reports a change of a hold. */
  reportChange(change: HoldChange): void {
    const { name, after } = change
    const record = recordOf(this.#host, name)
    const affected = record && this.affectedObjectsOf(record)
    const wanted = record?.phase === 'ready' ? safeHold(record) : null
    if (affected)
      for (const event of eventsOfChange(change, wanted, clocks(), readShutdownGrace(this.#host)))
        this.report(affected, affected.pods, event)
    if (after) return
    this.#audiences.delete(name)
    this.#warned.delete(name)
  }

  /** Warns once that a hold is about to end. */
  warnOfExpiry(name: VolumeName, note: HoldNote): void {
    const record = recordOf(this.#host, name)
    const warning = record && expiryWarning(record, note, Date.now(), readShutdownGrace(this.#host))
    if (!warning || this.#warned.get(name) === warning.id) return
    this.#warned.set(name, warning.id)
    const affected = this.affectedObjectsOf(record)
    if (affected) this.report(affected, affected.pods, warning)
  }

  /** Reports the volumes that the target does not guard, once for each of their objects. @param records of all volumes */
  reportUnguarded(records: readonly Attachment[]): void {
    const names: ReadonlySet<VolumeName> = new Set(records.map(({ name }) => name))
    for (const name of this.#unguarded.keys()) if (!names.has(name)) this.#unguarded.delete(name)
    for (const record of records.filter(isUnguarded)) {
      const affected = this.affectedObjectsOf(record)
      if (!affected) continue
      const event = unguarded(record)
      const shown = this.#unguarded.get(record.name) ?? new Set()
      this.#unguarded.set(record.name, shown)
      const isNew = (object: string | null) => object !== null && !shown.has(`${object} ${event.id}`)
      const pods = affected.pods.filter(isNew)
      const volume = isNew(affected.volume) ? affected.volume : null
      for (const object of [...pods, ...(volume === null ? [] : [volume])]) shown.add(`${object} ${event.id}`)
      this.report(affected, pods, event, { onVolume: volume !== null })
    }
  }

  /**
   * The objects that a volume affects; null for a volume that Kubernetes does not know. The PersistentVolume is remembered, in
   * case all pods release the volume during an outage.
   */
  affectedObjectsOf(record: Attachment): AffectedObjects | null {
    if (record.orchestrator === undefined) return null
    const seen = affectedObjectsOf(this.#host, record)
    const volume = seen.volume ?? this.#audiences.get(record.name)?.volume ?? null
    this.#audiences.set(record.name, { ...seen, volume })
    return { ...seen, volume }
  }

  /** Reports an event on the PersistentVolume, unless `onVolume` is false, and on these pods. */
  report(
    { volume }: AffectedObjects,
    pods: readonly string[],
    event: VolumeEvent,
    { onVolume = true }: { readonly onVolume?: boolean } = {},
  ): void {
    if (volume !== null && onVolume) this.#put({ kind: 'PersistentVolume', name: volume }, event)
    const message = volume === null ? event.message : `volume ${volume}: ${event.message}`
    for (const uid of pods) this.#put({ kind: 'Pod', uid }, { ...event, message })
  }
}

/** Whether it is unguarded because of its target's limitations, and not by choice. */
function isUnguarded({ phase, orchestrator, fence, request }: Attachment): boolean {
  if (phase !== 'ready' || orchestrator === undefined || fence) return false
  return hasOneWriter(request) && request.fence !== 'off'
}

const clocks = () => ({ wallMs: Date.now(), nowMs: monotonicMs() })

/** The record of a volume; null if there is none, or if it cannot be read, which the agent's log and the doctor report. */
export function recordOf(host: Host, name: VolumeName): Attachment | null {
  try {
    return readRecord(host, name)
  } catch {
    return null
  }
}
