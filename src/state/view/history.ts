import type { Host } from '../../host/host.ts'
import type { PastOutage, VolumeHistory } from '../../model/history-summary.ts'
import { outagesOf, summariesOf } from '../../model/history-summary.ts'
import type { HistoryEvent } from '../../model/history.ts'
import { readHistory, recordedNow } from '../records/history.ts'
import { findRecord } from './list.ts'

/** What `history` prints. A published contract. */
export interface HistoryReport {
  /** Each volume in numbers, by name. */
  readonly volumes: readonly VolumeHistory[]
  /** Each outage, ordered by start. */
  readonly outages: readonly PastOutage[]
  /** Everything that is kept, oldest first. */
  readonly events: readonly HistoryEvent[]
  /** Lines of the history's files that cannot be read. */
  readonly unreadable: number
}

/**
 * What happened to the volumes of this node, as far as the history goes back.
 * @param name only this volume; a detached volume is known for as long as its history is kept
 * @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER there is no such volume, and nothing is known of one · NO_PERMISSION
 * RECORD_UNWRITABLE the history cannot be read
 */
export function historyReport(host: Host, name: string | null): HistoryReport {
  const { events, unreadable } = readHistory(host, { volume: name })
  if (name !== null && events.length === 0) findRecord(host, name)
  const now = recordedNow(host)
  return {
    volumes: summariesOf(events, now, midnight()),
    outages: outagesOf(events, now),
    events,
    unreadable,
  }
}

/** The outages of one volume in numbers; undefined if no event of it is kept. @throws as {@link readHistory} */
export function outageNumbers(host: Host, name: string): Omit<VolumeHistory, 'name'> | undefined {
  const [found] = summariesOf(readHistory(host, { volume: name }).events, recordedNow(host), midnight())
  if (!found) return undefined
  const { name: _, ...numbers } = found
  return numbers
}

/** The start of the current day in the node's time zone. */
function midnight(): number {
  return new Date().setHours(0, 0, 0, 0)
}
