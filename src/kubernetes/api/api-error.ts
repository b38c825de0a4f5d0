import type { ApiAnswer } from './client.ts'

/** Upper limit of a pause that a server requests. */
const MAX_PAUSE_MS = 300_000

/** An answer of the Kubernetes API with an unexpected status. */
export class ApiError extends Error {
  readonly status: number
  /** How many milliseconds the server asks not to be called; null if it does not say. */
  readonly retryAfter: number | null

  constructor({ status, body, retryAfter }: ApiAnswer) {
    const { message } = (body ?? {}) as { message?: unknown }
    super(`${status}${typeof message === 'string' ? `: ${message}` : ''}`)
    this.status = status
    this.retryAfter = retryAfter === null ? null : Math.min(retryAfter, MAX_PAUSE_MS)
  }
}

/** The text of an error, shortened for one line of a log. */
export function shortMessage(error: unknown): string {
  return (error as Error).message.slice(0, 300)
}

/** Returns the answer if its status is 2xx or one of the others. @throws ApiError */
export function expectStatus(answer: ApiAnswer, ...others: readonly number[]): ApiAnswer {
  const { status } = answer
  if ((status >= 200 && status < 300) || others.includes(status)) return answer
  throw new ApiError(answer)
}

/**
 * Whether the same request may succeed later. It may, unless the request itself is wrong: 401 may be a token that has just
 * expired, and 403 a role that has not been created yet.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true
  return [401, 403, 408, 409, 429].includes(error.status) || error.status >= 500
}

/** Whether the server cannot answer any request now, so that no others are sent meanwhile. */
export function isServerUnavailable(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 401 || error.status === 429 || error.status >= 500
}
