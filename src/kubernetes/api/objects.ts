import * as z from 'zod/mini'

import type { Api } from './client.ts'
import { expectStatus } from './api-error.ts'

/** The object that an event is about, as the node knows it. */
export type Subject =
  | { readonly kind: 'PersistentVolume'; readonly name: string }
  | { readonly kind: 'Pod'; readonly uid: string }

/** An object of the API; `namespace` is null for cluster-scoped objects. */
export interface ApiObject {
  readonly kind: Subject['kind']
  readonly name: string
  readonly namespace: string | null
  readonly uid: string
}

export interface Pod extends ApiObject {
  readonly namespace: string
  /** Whether the pod has been deleted and is terminating. */
  readonly isEnding: boolean
  /** Kind of the owner that would recreate the pod; null if there is none. */
  readonly controller: string | null
}

const metadata = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.optional(z.string()),
    uid: z.string(),
    deletionTimestamp: z.optional(z.string()),
    ownerReferences: z.optional(z.array(z.object({ kind: z.string(), controller: z.optional(z.boolean()) }))),
  }),
})
const list = z.object({ items: z.array(metadata) })

/** The PersistentVolume of this name; null if there is none. Its attributes are not requested: they may contain a CHAP secret. */
export async function findPersistentVolume(
  api: Api,
  name: string,
  signal: AbortSignal,
): Promise<ApiObject | null> {
  const answer = await api.ask(
    {
      method: 'GET',
      path: `/api/v1/persistentvolumes/${encodeURIComponent(name)}`,
      metadataOnly: 'one',
    },
    signal,
  )
  if (expectStatus(answer, 404).status === 404) return null
  const { uid } = metadata.parse(answer.body).metadata
  return { kind: 'PersistentVolume', name, namespace: null, uid }
}

/** The pods of one node, from the API server's cache, which is hardly older than etcd and saves it a read. */
export async function listPods(api: Api, node: string, signal: AbortSignal): Promise<Pod[]> {
  const query = new URLSearchParams({ fieldSelector: `spec.nodeName=${node}`, resourceVersion: '0' })
  const answer = await api.ask(
    { method: 'GET', path: `/api/v1/pods?${query.toString()}`, metadataOnly: 'list' },
    signal,
  )
  return list.parse(expectStatus(answer).body).items.map(({ metadata: found }) => ({
    kind: 'Pod',
    name: found.name,
    namespace: found.namespace ?? 'default',
    uid: found.uid,
    isEnding: found.deletionTimestamp !== undefined,
    controller: found.ownerReferences?.find(({ controller }) => controller === true)?.kind ?? null,
  }))
}
