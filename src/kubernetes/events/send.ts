import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'
import type { ApiObject } from '../api/objects.ts'
import { expectStatus } from '../api/api-error.ts'
import type { CountedEvent } from './api-event.ts'
import { eventAgain, eventName, eventOf, namespaceOf, outageOf } from './api-event.ts'

const found = z.object({
  metadata: z.object({ annotations: z.optional(z.record(z.string(), z.string())) }),
  count: z.optional(z.number()),
})

/**
 * Creates an event, or increments the count of an existing one. An event about the same outage, which a previous agent has sent,
 * is left as it is.
 * @throws ApiError
 */
export async function sendEvent(
  api: Api,
  object: ApiObject,
  counted: CountedEvent,
  node: string,
  signal: AbortSignal,
): Promise<void> {
  const events = `/api/v1/namespaces/${encodeURIComponent(namespaceOf(object))}/events`
  const made = await api.ask({ method: 'POST', path: events, body: eventOf(object, counted, node) }, signal)
  if (expectStatus(made, 409).status !== 409) return
  const path = `${events}/${encodeURIComponent(eventName(object, counted.event, node))}`
  const { metadata, count = 1 } = found.parse(
    expectStatus(await api.ask({ method: 'GET', path }, signal)).body,
  )
  if (outageOf(metadata.annotations ?? {}) === counted.event.id) return
  const again = { method: 'PATCH', patch: 'merge', path, body: eventAgain(object, counted, count) } as const
  expectStatus(await api.ask(again, signal))
}
