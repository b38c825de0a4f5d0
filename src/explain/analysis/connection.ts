import { heaviest } from '../../model/heaviest.ts'
import type { Outage } from '../report.ts'
import type { LogMoment } from './moment.ts'
import { secondsBetween } from './moment.ts'
import type { OpenOutage } from './open-outage.ts'
import { openOutage } from './open-outage.ts'

/** One connection of a session, with its outages so far. */
export interface Connection {
  readonly session: number
  readonly connection: number
  iqn: string | null
  portal: string | null
  /** In the order of the log. If there are very many, those that did harm and the longest are kept. */
  outages: OpenOutage[]
  /** Number of outages that are not kept. */
  left: number
  /** The open outage. */
  open: OpenOutage | null
  /** When the last few login attempts failed. */
  readonly failures: LogMoment[]
}

/**
 * At least this many outages are kept per connection, and at most twice as many. A session that flaps for months has
 * more.
 */
const MIN_KEPT_OUTAGES = 500

/** Begins an outage of a connection. @param lost null if the log starts after the loss */
export function startOutage(
  connection: Connection,
  lost: LogMoment | null,
  now: LogMoment,
  noticed: Outage['noticed'],
): OpenOutage {
  const outage = openOutage(connection.session, lost, now, noticed)
  if (connection.outages.length >= 2 * MIN_KEPT_OUTAGES) dropMinorOutages(connection)
  connection.outages.push(outage)
  connection.open = outage
  return outage
}

/** Ends the open outage, if there is one. */
export function finishOutage(connection: Connection, ended: Outage['ended']): void {
  if (connection.open) connection.open.ended = ended
  connection.open = null
  connection.failures.length = 0
}

/** Drops half of the outages. Those that did harm are kept first, then the longest. */
function dropMinorOutages(connection: Connection): void {
  const weight = ({ damage, lost, back, lastSignOfLoss }: OpenOutage) =>
    ([...damage].some(({ fileSystems }) => fileSystems.size > 0) ? 2e9 : 0) +
    (damage.size > 0 ? 1e9 : 0) +
    ((lost && secondsBetween(lost, back ?? lastSignOfLoss)) ?? 0)
  const kept = heaviest(connection.outages, MIN_KEPT_OUTAGES, weight)
  connection.left += connection.outages.length - kept.length
  connection.outages = [...kept]
}
