import type { HoldNote } from './hold-note.ts'

/** One outage of a volume: from the loss of its last path until it was usable again. A published contract. */
export interface VolumeOutage {
  readonly volume: string
  /** When the last path was lost. ISO 8601. */
  readonly since: string
  /** When held I/O began to fail; null if it never did. ISO 8601. */
  readonly failed: string | null
  /** Why it failed; null if it never did. */
  readonly reason: HoldNote['ended']
  /** When the volume was usable again; null if it is not yet. ISO 8601. */
  readonly until: string | null
  /** From `since` to `until` by the monotonic clock; null while it lasts. */
  readonly seconds: number | null
}
