import type { FindingCode } from '../../doctor/codes.ts'
import { FINDINGS } from '../../doctor/codes.ts'
import type { Display } from '../output/display.ts'
import { helpPage } from './page.ts'

/** The help page of a finding of `doctor`: its meaning, what to do, and what its evidence contains. */
export function findingHelp(code: FindingCode, display: Display): string {
  const { meaning, remedy, evidence } = FINDINGS[code]
  const { paragraph, entries } = helpPage(display)
  return (
    paragraph(`${code} (finding of doctor): ${meaning}`) +
    entries([
      ['what to do', remedy],
      ['evidence', evidence],
    ])
  )
}

export function findingCodes(): FindingCode[] {
  return Object.keys(FINDINGS) as FindingCode[]
}
