import { Eviction } from 'kubernetes-models/policy/v1'
import * as core from 'kubernetes-models/v1'

import type { Asked } from './server.ts'

/** Everything that was sent matches the schemas of the API. @throws what does not match */
export function validateAsked(asked: readonly Asked[], events: Iterable<unknown>): void {
  for (const event of events) new core.Event(event as never).validate()
  for (const { verb, resource, body } of asked) {
    if (`${verb} ${resource}` === 'create events') new core.Event(body as never).validate()
    if (resource === 'pods/eviction') new Eviction(body as never).validate()
    if (`${verb} ${resource}` === 'patch nodes/status') new core.Node(body as never).validate()
  }
}
