import { createHash } from 'node:crypto'

import type { ApiObject } from '../api/objects.ts'
import type { Happening } from './happening.ts'

export const COMPONENT = 'lunkeeper'

/** Tells one outage from the next, for an agent that was started in the middle of one. */
const OUTAGE = 'lunkeeper/outage'

/** As events.k8s.io has it for its notes; kubelets keep to it, too. */
const LONGEST = 1024

/** Something that happened so many times since it was last told. */
export interface Tally {
  readonly happening: Happening
  readonly count: number
  readonly first: Date
  readonly last: Date
}

/** Where events about an object live; those about what belongs to no namespace, in this one (validation/events.go). */
export function namespaceOf({ namespace }: ApiObject): string {
  return namespace ?? 'default'
}

/** The same for the same node, object and reason: whoever tells it again finds it there. */
export function eventName({ name, uid }: ApiObject, { reason }: Happening, node: string): string {
  const hash = createHash('sha256').update(`${node} ${uid} ${reason}`).digest('hex').slice(0, 16)
  return `${name.slice(0, 230)}.${hash}`
}

/**
 * An Event of core/v1. Not of events.k8s.io/v1: there nothing but the count of an event may ever change, so that
 * one which happens again would name the deadline of the first time.
 */
export function eventOf(object: ApiObject, tally: Tally, node: string) {
  const { kind, name, namespace, uid } = object
  return {
    apiVersion: 'v1',
    kind: 'Event',
    involvedObject: { apiVersion: 'v1', kind, name, uid, ...(namespace === null ? {} : { namespace }) },
    reason: tally.happening.reason,
    source: { component: COMPONENT, host: node },
    firstTimestamp: seconds(tally.first),
    reportingComponent: COMPONENT,
    reportingInstance: node,
    ...changing(object, tally),
    metadata: {
      name: eventName(object, tally.happening, node),
      namespace: namespaceOf(object),
      ...changing(object, tally).metadata,
    },
  }
}

/** What becomes of an event that is there, when it happens again. @param count so far */
export function eventAgain(object: ApiObject, tally: Tally, count: number) {
  return changing(object, { ...tally, count: count + tally.count })
}

/** The outage of which an event tells that is there. */
export function outageOf(annotations: Readonly<Record<string, string>>): string | null {
  return annotations[OUTAGE] ?? null
}

function changing({ kind }: ApiObject, { happening, count, last }: Tally) {
  const { message, detail, type, id } = happening
  const all = kind === 'PersistentVolume' && detail !== undefined ? `${message} (${detail})` : message
  return {
    metadata: { annotations: { [OUTAGE]: id } },
    type,
    message: all.length > LONGEST ? `${all.slice(0, LONGEST - 1)}…` : all,
    lastTimestamp: seconds(last),
    count,
  }
}

/** metav1.Time has no fractions. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
