import { createHash } from 'node:crypto'

import type { ApiObject } from '../api/objects.ts'
import type { VolumeEvent } from './volume-event.ts'

export const COMPONENT = 'lunkeeper'

/** The annotation that identifies the outage of an event, for an agent that is restarted during an outage. */
const OUTAGE = 'lunkeeper/outage'

/** Characters of a message: the limit of events.k8s.io for its notes, which kubelets also follow. */
const MAX_MESSAGE_LENGTH = 1024
/** Characters of an object's name in an event's name; 253 are allowed in all. */
const MAX_PREFIX_LENGTH = 230

/** An event that happened a number of times since it was last sent. */
export interface CountedEvent {
  readonly event: VolumeEvent
  readonly count: number
  readonly first: Date
  readonly last: Date
}

/** The namespace of events about an object; `default` for cluster-scoped objects (validation/events.go). */
export function namespaceOf({ namespace }: ApiObject): string {
  return namespace ?? 'default'
}

/** The name of an event. It is the same for the same node, object and reason, so that an existing event is found. */
export function eventName({ name, uid }: ApiObject, { reason }: VolumeEvent, node: string): string {
  const hash = createHash('sha256').update(`${node} ${uid} ${reason}`).digest('hex').slice(0, 16)
  // A part of a name must end with a letter or digit (RFC 1123).
  return `${name.slice(0, MAX_PREFIX_LENGTH).replace(/[^a-z0-9]+$/, '')}.${hash}`
}

/**
 * An Event of core/v1. In events.k8s.io/v1 only the count of an event may change, so a repeated event would show the deadline of
 * its first occurrence.
 */
export function eventOf(object: ApiObject, counted: CountedEvent, node: string) {
  const { kind, name, namespace, uid } = object
  return {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: 'v1', kind, name, uid, ...(namespace === null ? {} : { namespace }) },
    reason: counted.event.reason,
    source: { component: COMPONENT, host: node },
    firstTimestamp: seconds(counted.first),
    reportingComponent: COMPONENT,
    reportingInstance: node,
    ...changing(object, counted),
    metadata: {
      name: eventName(object, counted.event, node),
      namespace: namespaceOf(object),
      ...changing(object, counted).metadata,
    },
  }
}

/** The patch for an event that exists already. @param count its current count */
export function eventAgain(object: ApiObject, counted: CountedEvent, count: number) {
  return changing(object, { ...counted, count: count + counted.count })
}

/** The outage that an existing event is about; null if the event does not identify one. */
export function outageOf(annotations: Readonly<Record<string, string>>): string | null {
  return annotations[OUTAGE] ?? null
}

function changing({ kind }: ApiObject, { event, count, last }: CountedEvent) {
  const { message, detail, type, id } = event
  const all = kind === 'PersistentVolume' && detail !== undefined ? `${message} (${detail})` : message
  return {
    metadata: { annotations: { [OUTAGE]: id } },
    type,
    message: all.length > MAX_MESSAGE_LENGTH ? `${all.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : all,
    lastTimestamp: seconds(last),
    count,
  }
}

/** metav1.Time has no fractions. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
