import type { ErrorCode } from '../../model/errors.ts'
import { isLunkeeperError } from '../../model/errors.ts'

/** A complete HTTP answer. */
export interface HttpAnswer {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer in plain text. */
export function textAnswer(status: number, text: string): HttpAnswer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` }
}

/** A successful answer. @param body a JSON document */
export function json(body: string): HttpAnswer {
  return { status: 200, type: 'application/json', body }
}

/** The body of every error that the API answers. A published contract. */
export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string }
}

/** An error answer, as JSON. */
export function errorAnswer(
  status: number,
  code: string,
  message: string,
  { hint }: { readonly hint: string },
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer {
  const body: ErrorBody = { error: { code, message, hint } }
  return { status, type: 'application/json', body: JSON.stringify(body), headers }
}

/** HTTP status of the errors that a client can handle. All others are 400 if the request was invalid, else 500. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  CONFLICT: 409,
  BUSY: 409,
  CANCELLED: 503,
  TIMEOUT: 504,
}

/** The answer to a request that failed with an error. */
export function failure(error: unknown): HttpAnswer {
  if (!isLunkeeperError(error))
    return errorAnswer(500, 'INTERNAL', 'the request failed unexpectedly', {
      hint: 'See the log of the agent.',
    })
  const { code, message, hint, exitStatus } = error
  return errorAnswer(STATUS[code] ?? (exitStatus === 2 ? 400 : 500), code, message, { hint })
}
