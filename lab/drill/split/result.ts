import type { Refused } from '../writer.ts'
import type { SideName } from '../volumes.ts'
import type { SplitPlan } from './plan.ts'

/** What the node that took a volume over finds on it at the end. */
export interface SplitSide {
  /** blocks that the former node acknowledged before it was cut off */
  readonly before: number
  /** blocks that the new owner acknowledged, before and after the former node came back */
  readonly owned: number
  readonly refused: readonly Refused[]
  /** blocks of the volume that changed after the former node's return, while the new owner wrote nothing */
  readonly foreign: number
  /** acknowledged blocks of the new owner that were not read back as written; null if they could not be read */
  readonly lost: number | null
  readonly trouble: string | null
  /** what the file system check reported afterwards; empty if the file system is clean */
  readonly damage: readonly string[]
  /** what happened to the former node's writer after the return */
  readonly former: Former
}

/** `went on`: its writes were acknowledged again. `failed`: they failed, with this error. `waits`: neither happened. */
export interface Former {
  readonly fate: 'went on' | 'failed' | 'waits'
  readonly error: string | null
}

/** Everything that a split drill observed. Times are milliseconds since 1970. */
export interface Split {
  readonly plan: SplitPlan
  readonly kernel: string
  readonly started: number
  /** when the first node was cut off */
  readonly cut: number
  /** when the second node had both volumes */
  readonly moved: number
  /** when the first node was back */
  readonly back: number
  /** when the outcome was settled and the disks had been checked */
  readonly settled: number
  /** when Lunkeeper on the first node reported `fenced`; null if it did not */
  readonly fenced: number | null
  /** what the first node logged when it lost the volume */
  readonly words: string | null
  readonly sides: Readonly<Record<SideName, SplitSide>>
}
