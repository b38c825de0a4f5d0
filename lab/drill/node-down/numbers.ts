import type { Drill, Side } from './result.ts'
import type { SideName } from '../volumes.ts'
import { BLOCK } from '../writer.ts'

/** One side in numbers. */
export interface Numbers {
  readonly acknowledgedBlocks: number
  readonly acknowledgedBytes: number
  readonly errors: number
  /** EIO, EROFS, … */
  readonly errorCodes: readonly string[]
  /** from the death of the storage machine to the first error */
  readonly firstErrorSeconds: number | null
  /** between two acknowledged blocks; until the end, if no block followed */
  readonly longestPauseSeconds: number
  /** whether blocks were acknowledged after the target's return */
  readonly wentOn: boolean
  /** from the target's return to the first block acknowledged */
  readonly goesOnAfterSeconds: number | null
  readonly medianMs: number
  /** null if nothing could be read back */
  readonly lostBytes: number | null
}

const seconds = (ms: number) => Math.round(ms / 10) / 100

export function numbersOf(drill: Drill, side: Side): Numbers {
  const { acknowledged, refused, lost } = side
  const times = [...acknowledged.map(({ at }) => at), drill.ended]
  const pauses = times.slice(1).map((at, index) => at - times[index]!)
  const first = acknowledged.find(({ at }) => at > drill.back)
  return {
    acknowledgedBlocks: acknowledged.length,
    acknowledgedBytes: acknowledged.length * BLOCK,
    errors: refused.length,
    errorCodes: [...new Set(refused.map(({ error }) => error))],
    firstErrorSeconds: refused[0] ? seconds(refused[0].at - drill.killed) : null,
    longestPauseSeconds: seconds(Math.max(0, ...pauses)),
    wentOn: first !== undefined,
    goesOnAfterSeconds: first ? seconds(first.at - drill.back) : null,
    medianMs: acknowledged.map(({ ms }) => ms).toSorted((a, b) => a - b)[acknowledged.length >> 1] ?? 0,
    lostBytes: lost === null ? null : lost * BLOCK,
  }
}

/** It continued, had no errors and lost nothing. */
export const isWell = ({ wentOn, errors, lostBytes }: Numbers): boolean =>
  wentOn && errors === 0 && lostBytes === 0

/** The drill's verdict, and what `--json` prints. */
export interface Verdict {
  /** Lunkeeper's side continued, lost nothing and had no errors */
  readonly ok: boolean
  /** the stock side had errors: without them, the drill demonstrates nothing */
  readonly stockBroke: boolean
  readonly sides: Readonly<Record<SideName, Numbers>>
}

export function verdictOn(drill: Drill): Verdict {
  const stock = numbersOf(drill, drill.sides.stock)
  const lunkeeper = numbersOf(drill, drill.sides.lunkeeper)
  return {
    ok: isWell(lunkeeper),
    stockBroke: stock.errors > 0,
    sides: { stock, lunkeeper },
  }
}
