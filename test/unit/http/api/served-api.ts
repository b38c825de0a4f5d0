import { afterEach } from 'vitest'

import { trouble } from '../../../page/models.ts'
import { Served, TOKEN } from '../../../page/served.ts'
import { temporary } from '../../temporary.ts'

/** Each test file runs in a separate process. */
export const PORT = 22_000 + (process.pid % 20_000)
export const NOW = Date.parse('2026-11-28T03:12:00.000Z')

/** The API of an agent whose node is in an outage, until the test ends. */
export class ServedApi {
  served!: Served

  constructor() {
    afterEach(() => this.served?.[Symbol.asyncDispose]())
  }

  async open(options: Parameters<typeof Served.open>[2] = {}): Promise<void> {
    this.served = await Served.open(temporary(), PORT, options)
    this.served.show(trouble(NOW))
  }

  ask(
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(`${this.served.url}${path}`, { ...init, headers: { connection: 'close', ...init.headers } })
  }

  /** Requests a change, with the token. */
  change(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.ask(path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}`, ...headers },
    })
  }
}

/** The status and the error code of an answer. */
export async function errorIn(answer: Response): Promise<[number, string]> {
  const { error } = (await answer.json()) as { error: { code: string } }
  return [answer.status, error.code]
}
