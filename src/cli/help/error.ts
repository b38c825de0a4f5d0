import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS } from '../../model/errors.ts'
import type { Display } from '../output/display.ts'
import { helpPage } from './page.ts'

/** The help page of an error code: its meaning, what to do, the exit status. */
export function errorHelp(code: ErrorCode, display: Display): string {
  const { meaning, remedy, exit } = ERRORS[code]
  const { paragraph, entries } = helpPage(display)
  return (
    paragraph(`${code}: ${meaning}`) +
    entries([
      ['what to do', remedy],
      ['exit status', String(exit)],
    ])
  )
}
