import type { Row } from '../report/parts.ts'
import { terminalSummary } from '../terminal.ts'
import type { Numbers, Verdict } from './numbers.ts'
import { isWell } from './numbers.ts'
import type { Drill } from './result.ts'
import { bytes, SIDES, span } from '../words.ts'
import { fate, scaling, story } from './words.ts'

export const ROWS: readonly Row<Numbers>[] = [
  {
    what: 'longest pause',
    of: ({ longestPauseSeconds, wentOn }) =>
      `${span(longestPauseSeconds * 1000)}${wentOn ? '' : ', not over at the end'}`,
  },
  {
    what: 'errors',
    of: ({ errors, errorCodes }) => (errors === 0 ? '0' : `${errors} (${errorCodes.join(', ')})`),
  },
  {
    what: 'first error',
    of: ({ firstErrorSeconds }) =>
      firstErrorSeconds === null ? 'none' : `${span(firstErrorSeconds * 1000)} into the outage`,
  },
  {
    what: 'resumes',
    of: ({ goesOnAfterSeconds }) =>
      goesOnAfterSeconds === null
        ? 'not automatically'
        : `${span(goesOnAfterSeconds * 1000)} after the return`,
  },
  { what: 'usual write', of: ({ medianMs }) => span(medianMs) },
  {
    what: 'acknowledged',
    of: ({ acknowledgedBytes, acknowledgedBlocks }) =>
      `${bytes(acknowledgedBytes)} in ${acknowledgedBlocks} blocks`,
  },
  {
    what: 'lost of it',
    of: ({ lostBytes }) => (lostBytes === null ? 'could not be read' : bytes(lostBytes)),
  },
]

/** The result in one sentence. */
export function headline({ ok, stockBroke, sides }: Verdict): string {
  const pause = span(sides.lunkeeper.longestPauseSeconds * 1000)
  if (!ok) return 'Lunkeeper did not keep its promise'
  return stockBroke
    ? `A pause of ${pause} instead of a broken file system`
    : `A pause of ${pause}; the stock side had no error either`
}

/** The end of a drill, for a terminal. */
export function summary(drill: Drill, verdict: Verdict): string {
  return terminalSummary({
    headline: headline(verdict),
    sides: verdict.sides,
    isWell,
    fate,
    story: [story(drill), scaling(drill.plan)],
    rows: ROWS,
    notes: [readBack(drill)],
  })
}

/** How the amount of lost data was determined. */
export function readBack({ sides, plan }: Drill): string {
  const how = plan.takeover === 'same' ? 'mounted again' : 'logged in at the new address, mounted again'
  const by = sides.stock.repaired
    ? ` Before that, the stock volume was repaired by hand (unmounted, ${how}).`
    : ''
  const troubles = (['stock', 'lunkeeper'] as const).flatMap((side) =>
    sides[side].trouble === null ? [] : [` ${SIDES[side]} could not be read: ${sides[side].trouble}`],
  )
  return `Every acknowledged block was read back past the page cache, and its checksum compared.${by}${troubles.join('')}`
}
