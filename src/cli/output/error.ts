import { LunkeeperError } from '../../model/errors.ts'
import type { Display } from './display.ts'
import { oneLine, printable } from '../../model/printable.ts'

/** Converts any thrown value. An unexpected error becomes INTERNAL. */
export function toLunkeeperError(error: unknown): LunkeeperError {
  if (error instanceof LunkeeperError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LunkeeperError('INTERNAL', message.split('\n')[0] || 'unexpected error', { cause: error })
}

/** `error[CODE]: what happened`, `hint: what to do`; the stack of an unexpected error only on request. */
export function errorText(error: LunkeeperError, display: Display, verbose = false): string {
  const { code, message, hint } = error
  const trace = verbose ? traceOf(error) : ''
  return `${display.paint('red', `error[${code}]`)}: ${oneLine(message)}\n${display.paint('cyan', 'hint')}: ${oneLine(hint)}\n${trace}`
}

/** What `--json` prints for a failure. */
export function errorJson({ code, message, hint, details }: LunkeeperError): unknown {
  return { error: { code, message, hint, details } }
}

function traceOf({ code, stack, cause }: LunkeeperError): string {
  const lines: string[] = []
  if (code === 'INTERNAL' && !cause && stack) lines.push(stack)
  for (let error = cause; error instanceof Error; error = error.cause)
    lines.push(`cause: ${(code === 'INTERNAL' && error.stack) || error.message}`)
  // A stack has several lines, each of which may quote input from outside.
  return lines
    .flatMap((line) => line.split('\n'))
    .map((line) => `${printable(line)}\n`)
    .join('')
}
