import type { ErrorCode } from '../../model/errors.ts'
import { ERRORS } from '../../model/errors.ts'
import type { Look } from '../output/look.ts'
import { page } from './page.ts'

/** One error: its meaning, what to do, the exit status. */
export function errorHelp(code: ErrorCode, look: Look): string {
  const { meaning, remedy, exit } = ERRORS[code]
  const { paragraph, entries } = page(look)
  return (
    paragraph(`${code}: ${meaning}`) +
    entries([
      ['what to do', remedy],
      ['exit status', String(exit)],
    ])
  )
}
