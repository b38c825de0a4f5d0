import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'
import type { ApiObject } from '../api/objects.ts'
import { accept } from '../api/refusal.ts'
import type { Tally } from './event.ts'
import { eventAgain, eventName, eventOf, namespaceOf, outageOf } from './event.ts'

const found = z.object({
  metadata: z.object({ annotations: z.optional(z.record(z.string(), z.string())) }),
  count: z.optional(z.number()),
})

/**
 * Creates an event, or increments an existing one. If a previous agent reported the same outage, the event is left as
 * it is.
 * @throws Refusal
 */
export async function sendEvent(
  api: Api,
  object: ApiObject,
  tally: Tally,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const events = `/api/v1/namespaces/${encodeURIComponent(namespaceOf(object))}/events`
  const made = await api.ask({ method: 'POST', path: events, body: eventOf(object, tally, node) }, signal)
  if (accept(made, 409).status !== 409) return
  const path = `${events}/${encodeURIComponent(eventName(object, tally.happening, node))}`
  const { metadata, count = 1 } = found.parse(accept(await api.ask({ method: 'GET', path }, signal)).body)
  if (outageOf(metadata.annotations ?? {}) === tally.happening.id) return
  const again = { method: 'PATCH', patch: 'merge', path, body: eventAgain(object, tally, count) } as const
  accept(await api.ask(again, signal))
}
