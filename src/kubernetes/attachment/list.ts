import { createHash } from 'node:crypto'

import * as z from 'zod/mini'

import type { VolumeAttachment } from '../../model/volume-attachment.ts'
import type { Api } from '../api/client.ts'
import { expectStatus } from '../api/api-error.ts'

/** A few hundred kilobytes at a time, however many volumes a cluster has. */
const PAGE = 500

/** Milliseconds. All pages; an attacher waits a minute, and asks again. */
const DEADLINE_MS = 30_000

/** Where the external-attacher notes the node's id before it asks for a publication (csi_handler.go: vaNodeIDAnnotation). */
const NODE_ID = 'csi.alpha.kubernetes.io/node-id'

const list = z.object({
  metadata: z.object({ continue: z.optional(z.string()) }),
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        uid: z.string(),
        creationTimestamp: z.string(),
        deletionTimestamp: z.nullish(z.string()),
        annotations: z.optional(z.record(z.string(), z.string())),
      }),
      spec: z.object({
        attacher: z.string(),
        nodeName: z.string(),
        source: z.object({ persistentVolumeName: z.nullish(z.string()) }),
      }),
      status: z.optional(z.object({ attached: z.optional(z.boolean()) })),
    }),
  ),
})

/** What Kubernetes calls a volume's attachment to a node (csi_attacher.go: getAttachmentName). */
export function attachmentName(volumeHandle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`
}

/**
 * All VolumeAttachments of one volume. Read from etcd and not from the server's memory (no resourceVersion is given): one that
 * was made a moment ago counts.
 * @throws ApiError, and what the network says
 */
export async function findAttachments(
  api: Api,
  { driver, volumeHandle }: { readonly driver: string; readonly volumeHandle: string },
  stop: AbortSignal,
): Promise<VolumeAttachment[]> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(DEADLINE_MS)])
  const found: VolumeAttachment[] = []
  let next: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(PAGE), ...(next ? { continue: next } : {}) })
    const path = `/apis/storage.k8s.io/v1/volumeattachments?${query.toString()}`
    const { items, metadata } = list.parse(expectStatus(await api.ask({ method: 'GET', path }, signal)).body)
    for (const { metadata: own, spec, status } of items) {
      const node = spec.nodeName
      // Its name is made of the volume's handle, which it does not say otherwise.
      if (spec.attacher !== driver || own.name !== attachmentName(volumeHandle, driver, node)) continue
      found.push({
        name: own.name,
        uid: own.uid,
        node,
        nodeId: own.annotations?.[NODE_ID] ?? node,
        volume: spec.source.persistentVolumeName ?? null,
        attached: status?.attached === true,
        isEnding: Boolean(own.deletionTimestamp),
        createdAt: own.creationTimestamp,
      })
    }
    next = metadata.continue
  } while (next)
  return found
}
