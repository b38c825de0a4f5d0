import { momentNow } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { HistoryThrottle } from '../model/history-throttle.ts'
import { happeningsOf } from '../model/history.ts'
import type { HoldNote } from '../model/hold-note.ts'
import type { Attachment } from '../model/attachment.ts'
import { safeHold } from '../model/safe-hold.ts'
import { recordSeen } from '../state/records/history.ts'

/** Records in the history what the hold note of one volume shows. */
export class OutageHistory {
  readonly #host: Host
  readonly #throttle = new HistoryThrottle()
  /** Since when the target has been back, as last seen in an outage; null if it is away, or was not seen. */
  backMs: number | null = null

  constructor(host: Host) {
    this.#host = host
  }

  /** Records a change of the note. */
  keep(record: Attachment, before: HoldNote | null, after: HoldNote | null): void {
    const { since, sinceMs: nowMs } = momentNow()
    const moment = {
      nowMs,
      wallMs: Date.parse(since),
      mode: record.mode ?? 'session',
      wanted: safeHold(record),
      backMs: this.backMs,
    } as const
    for (const happening of happeningsOf(before, after, moment))
      for (const kept of this.#throttle.pass(happening, nowMs)) recordSeen(this.#host, record.name, kept)
  }

  /** Records what was only counted so far. */
  drain({ name }: Attachment): void {
    for (const kept of this.#throttle.drain()) recordSeen(this.#host, name, kept)
  }
}
