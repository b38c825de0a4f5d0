import type { Answer } from './client.ts'

/** No server has us wait longer than this, whatever it says. */
const LONGEST = 300_000

/** What did not work, and whether it may work later. */
export class Refusal extends Error {
  readonly status: number
  readonly retryAfter: number | null

  constructor({ status, body, retryAfter }: Answer) {
    const { message } = (body ?? {}) as { message?: unknown }
    super(`${status}${typeof message === 'string' ? `: ${message}` : ''}`)
    this.status = status
    this.retryAfter = retryAfter === null ? null : Math.min(retryAfter, LONGEST)
  }
}

/** What an error says, as far as a line of a log has room for it. */
export function inShort(error: unknown): string {
  return (error as Error).message.slice(0, 300)
}

/** The answer, where it is one of those wanted. @throws Refusal */
export function accept(answer: Answer, ...others: readonly number[]): Answer {
  const { status } = answer
  if ((status >= 200 && status < 300) || others.includes(status)) return answer
  throw new Refusal(answer)
}

/**
 * Whether the same request may be granted later: everything but what is wrong with the request itself. A 401 is
 * a token that has just ended, a 403 a role that is on its way.
 */
export function isForLater(error: unknown): boolean {
  if (!(error instanceof Refusal)) return true
  return [401, 403, 408, 409, 429].includes(error.status) || error.status >= 500
}

/** Whether it is the server that cannot, whatever it is asked: then nothing else is asked of it meanwhile. */
export function isOfServer(error: unknown): boolean {
  return !(error instanceof Refusal) || error.status === 401 || error.status === 429 || error.status >= 500
}
