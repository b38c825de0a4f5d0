import type { Answer } from './client.ts'

/** Upper limit of a pause that a server requests. */
const LONGEST = 300_000

/** A failed request, and whether it may succeed later. */
export class ApiError extends Error {
  readonly status: number
  readonly retryAfter: number | null

  constructor({ status, body, retryAfter }: Answer) {
    const { message } = (body ?? {}) as { message?: unknown }
    super(`${status}${typeof message === 'string' ? `: ${message}` : ''}`)
    this.status = status
    this.retryAfter = retryAfter === null ? null : Math.min(retryAfter, LONGEST)
  }
}

/** The text of an error, shortened for one line of a log. */
export function shortMessage(error: unknown): string {
  return (error as Error).message.slice(0, 300)
}

/** The answer, if its status is one of those expected. @throws ApiError */
export function expectStatus(answer: Answer, ...others: readonly number[]): Answer {
  const { status } = answer
  if ((status >= 200 && status < 300) || others.includes(status)) return answer
  throw new ApiError(answer)
}

/**
 * Whether the same request may succeed later: yes, unless the request itself is wrong. 401 is a token that has just
 * expired, 403 a role that is not yet in place.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true
  return [401, 403, 408, 409, 429].includes(error.status) || error.status >= 500
}

/** Whether the server cannot answer any request: then no others are sent meanwhile. */
export function isServerUnavailable(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 401 || error.status === 429 || error.status >= 500
}
