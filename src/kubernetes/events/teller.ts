import type { HoldChange } from '../../hold/follow.ts'
import type { HoldNote } from '../../model/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { VolumeName } from '../../model/name.ts'
import { readShutdownGrace } from '../../state/records/shutdown-grace.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Subject } from '../api/objects.ts'
import type { Audience } from './audience.ts'
import { audienceOf } from './audience.ts'
import type { Happening } from './happening.ts'
import { happeningsOf } from './happening.ts'
import { soonOver } from './soon.ts'

/** Reports what happens to volumes to the affected objects. */
export class Teller {
  readonly #host: Host
  readonly #put: (subject: Subject, happening: Happening) => void
  readonly #audiences = new Map<VolumeName, Audience>()
  readonly #warned = new Map<VolumeName, string>()

  constructor(host: Host, put: (subject: Subject, happening: Happening) => void) {
    this.#host = host
    this.#put = put
  }

  changed(change: HoldChange): void {
    const { name, after } = change
    const record = recordOf(this.#host, name)
    const audience = record && this.audienceOf(record)
    const wanted = record?.phase === 'ready' ? safeHold(record) : null
    if (audience)
      for (const happening of happeningsOf(change, wanted, Date.now(), readShutdownGrace(this.#host)))
        this.tell(audience, audience.pods, happening)
    if (after) return
    this.#audiences.delete(name)
    this.#warned.delete(name)
  }

  /** Warns once that a hold is about to end. */
  warn(name: VolumeName, note: HoldNote): void {
    const record = recordOf(this.#host, name)
    const soon = record && soonOver(record, note, Date.now(), readShutdownGrace(this.#host))
    if (!soon || this.#warned.get(name) === soon.id) return
    this.#warned.set(name, soon.id)
    const audience = this.audienceOf(record)
    if (audience) this.tell(audience, audience.pods, soon)
  }

  /**
   * Null for a volume that is not Kubernetes'. A volume that pods released during an outage is still the same
   * PersistentVolume.
   */
  audienceOf(record: Attachment): Audience | null {
    if (record.orchestrator === undefined) return null
    const seen = audienceOf(this.#host, record)
    const volume = seen.volume ?? this.#audiences.get(record.name)?.volume ?? null
    this.#audiences.set(record.name, { ...seen, volume })
    return { ...seen, volume }
  }

  tell({ volume }: Audience, pods: readonly string[], happening: Happening): void {
    if (volume !== null) this.#put({ kind: 'PersistentVolume', name: volume }, happening)
    const message = volume === null ? happening.message : `volume ${volume}: ${happening.message}`
    for (const uid of pods) this.#put({ kind: 'Pod', uid }, { ...happening, message })
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
