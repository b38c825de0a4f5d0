import type { Refused } from '../writer.ts'
import type { SideName } from '../volumes.ts'
import type { SplitPlan } from './plan.ts'

/** What the node that took a volume over finds on it in the end. */
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
  /** what the file system check said of it afterwards; empty if it is clean */
  readonly damage: readonly string[]
  /** what became of the former node's writer, after the return */
  readonly former: Former
}

/** `went on`: its writes were acknowledged again. `failed`: they failed, with this error. `waits`: neither. */
export interface Former {
  readonly fate: 'went on' | 'failed' | 'waits'
  readonly error: string | null
}

/** All that a split drill saw. Times are milliseconds since 1970. */
export interface Split {
  readonly plan: SplitPlan
  readonly kernel: string
  readonly started: number
  /** the first node is cut off */
  readonly cut: number
  /** the second node has both volumes */
  readonly moved: number
  /** the first node is back */
  readonly back: number
  /** what came of it is settled, and the disks are checked */
  readonly settled: number
  /** `fenced` once Lunkeeper on the first node knows; when that was */
  readonly fenced: number | null
  /** what the first node said when it lost the volume */
  readonly words: string | null
  readonly sides: Readonly<Record<SideName, SplitSide>>
}
