import type { ErrorCode } from '../../model/errors.ts'
import { isLunkeeperError } from '../../model/errors.ts'

/** A complete HTTP answer. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer in plain text. */
export function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${text}\n` }
}

/** A successful answer. @param body a JSON document */
export function json(body: string): Answer {
  return { status: 200, type: 'application/json', body }
}

/** The body of every error that the API answers. A published contract. */
export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string }
}

/** An error answer, as JSON. */
export function refusal(
  status: number,
  code: string,
  message: string,
  { hint }: { readonly hint: string },
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body: ApiError = { error: { code, message, hint } }
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
export function failure(error: unknown): Answer {
  if (!isLunkeeperError(error))
    return refusal(500, 'INTERNAL', 'the request failed unexpectedly', { hint: 'See the log of the agent.' })
  const { code, message, hint, exitStatus } = error
  return refusal(STATUS[code] ?? (exitStatus === 2 ? 400 : 500), code, message, { hint })
}
