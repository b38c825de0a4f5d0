import type { SideName } from '../volumes.ts'
import { BLOCK } from '../writer.ts'
import type { Split, SplitSide } from './result.ts'

/** One side in numbers. */
export interface SplitNumbers {
  /** how much the node that had lost the volume wrote to it afterwards */
  readonly foreignBytes: number
  readonly ownedBlocks: number
  /** how much of what the new owner acknowledged is lost; null if it could not be read */
  readonly lostBytes: number | null
  readonly errors: number
  readonly damage: readonly string[]
  readonly formerFate: string
}

/** The drill's verdict, and what `--json` prints. */
export interface SplitVerdict {
  /** Lunkeeper's volume received nothing from the node that had lost it, is intact, and that node knows that it lost it */
  readonly ok: boolean
  /** the stock side's volume received foreign writes or was damaged: without that, the drill demonstrates nothing */
  readonly stockBroke: boolean
  readonly sides: Readonly<Record<SideName, SplitNumbers>>
}

export function numbersOf({ foreign, owned, lost, refused, damage, former }: SplitSide): SplitNumbers {
  return {
    foreignBytes: foreign * BLOCK,
    ownedBlocks: owned,
    lostBytes: lost === null ? null : lost * BLOCK,
    errors: refused.length,
    damage,
    formerFate: former.error === null ? former.fate : `${former.fate} (${former.error})`,
  }
}

/** The new owner's volume contains what the new owner wrote, and nothing else. */
export const isIntact = ({ foreignBytes, lostBytes, errors, damage }: SplitNumbers): boolean =>
  foreignBytes === 0 && lostBytes === 0 && errors === 0 && damage.length === 0

export function splitVerdict({ sides, fenced }: Split): SplitVerdict {
  const [stock, lunkeeper] = [numbersOf(sides.stock), numbersOf(sides.lunkeeper)]
  return {
    ok: isIntact(lunkeeper) && lunkeeper.ownedBlocks > 0 && fenced !== null,
    stockBroke: !isIntact(stock),
    sides: { stock, lunkeeper },
  }
}
