import type { KernelWord } from './kernel-words.ts'
import type { Plan } from './plan.ts'
import type { SideName } from '../volumes.ts'
import type { SessionState, Since } from './watch.ts'
import type { Acknowledged, Refused } from '../writer.ts'

/** What happened to one writer. Times are milliseconds since 1970. */
export interface Side {
  readonly acknowledged: readonly Acknowledged[]
  readonly refused: readonly Refused[]
  readonly sessions: readonly Since<SessionState>[]
  /** acknowledged blocks that were not read back as written; null if nothing could be read */
  readonly lost: number | null
  /** why nothing could be read */
  readonly trouble: string | null
  /** whether an administrator had to repair the volume before it could be read */
  readonly repaired: boolean
}

/** Everything that a drill observed. */
export interface Drill {
  readonly plan: Plan
  readonly kernel: string
  /** what held Lunkeeper's volume: `map`, or `session` without an agent */
  readonly mode: string
  readonly started: number
  readonly killed: number
  /** when the other machine started to serve */
  readonly back: number
  readonly ended: number
  readonly holding: readonly Since<boolean>[]
  readonly words: readonly KernelWord[]
  readonly sides: Readonly<Record<SideName, Side>>
}
