import { LunkeeperError } from '../../model/errors.ts'
import type { Look } from './look.ts'

/** Every failure in the one form; what is not ours is a mistake of ours. */
export function toLunkeeperError(error: unknown): LunkeeperError {
  if (error instanceof LunkeeperError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new LunkeeperError('INTERNAL', message.split('\n')[0] || 'something went wrong', { cause: error })
}

/** `error[CODE]: what happened`, `hint: what to do`; where a mistake of ours came from only if asked. */
export function errorText(error: LunkeeperError, look: Look, verbose = false): string {
  const { code, message, hint } = error
  const trace = verbose ? traceOf(error) : ''
  return `${look.paint('red', `error[${code}]`)}: ${oneLine(message)}\n${look.paint('cyan', 'hint')}: ${oneLine(hint)}\n${trace}`
}

/** What `--json` prints of a failure. */
export function errorJson({ code, message, hint, details }: LunkeeperError): unknown {
  return { error: { code, message, hint, details } }
}

/** Names and program output come from outside: no line breaks, nothing that steers a terminal. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}

function traceOf({ code, stack, cause }: LunkeeperError): string {
  const lines: string[] = []
  if (code === 'INTERNAL' && !cause && stack) lines.push(stack)
  for (let error = cause; error instanceof Error; error = error.cause)
    lines.push(`cause: ${(code === 'INTERNAL' && error.stack) || error.message}`)
  return lines.map((line) => `${line}\n`).join('')
}
