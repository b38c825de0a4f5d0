import type { Debian } from '../../index.ts'
import type { FileSystem } from '../node-down/plan.ts'
import { REAL, SHORTEST } from '../node-down/plan.ts'

export interface SplitOptions {
  /** how long the node has been cut off when the volumes move, in seconds; the timers are scaled with it. @default 25 */
  readonly outage?: number
  /** @default 'ext4' */
  readonly fs?: FileSystem
  /** @default 'bookworm' */
  readonly debian?: Debian
}

/** The times of a split drill, in seconds. */
export interface SplitPlan {
  readonly outage: number
  /** the stock session's recovery timer: long, as users set it so that an outage breaks nothing */
  readonly timer: number
  readonly hold: number
  readonly ping: number
  readonly scale: number
  readonly fs: FileSystem
  readonly debian: Debian
}

/** A stock timer of an hour and a hold of an hour are longer than the drill on any machine; they are not scaled. */
const LONG = 3600

/** @throws RangeError */
export function plannedSplit(options: SplitOptions): SplitPlan {
  const { outage = 25, fs = 'ext4', debian = 'bookworm' } = options
  if (!(outage >= SHORTEST && outage <= REAL.outage))
    throw new RangeError(`an outage lasts ${SHORTEST} to ${REAL.outage} s`)
  const scale = outage / REAL.outage
  const ping = Math.max(1, Math.round(REAL.ping * scale))
  return { outage, timer: LONG, hold: LONG, ping, scale, fs, debian }
}
