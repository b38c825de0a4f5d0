import { createHash } from 'node:crypto'

import * as z from 'zod/mini'

import type { VolumeAttachment } from '../../model/volume-attachment.ts'
import type { Api } from '../api/client.ts'
import { expectStatus } from '../api/api-error.ts'

/** VolumeAttachments per request: a few hundred kilobytes. */
const PAGE_SIZE = 500

/** For all pages together. An attacher waits for a minute and then repeats its call. */
const DEADLINE_MS = 30_000

/** The annotation in which the external-attacher records the node's ID before it calls ControllerPublishVolume (csi_handler.go). */
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

/** The name that Kubernetes gives to the VolumeAttachment of a volume on a node (csi_attacher.go: getAttachmentName). */
export function attachmentName(volumeHandle: string, driver: string, node: string): string {
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}`
}

/**
 * All VolumeAttachments of one volume. Without a resourceVersion they are read from etcd and not from the API server's cache,
 * so that one that was created a moment ago is included.
 * @throws ApiError, and errors of the network
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
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(next ? { continue: next } : {}) })
    const path = `/apis/storage.k8s.io/v1/volumeattachments?${query.toString()}`
    const { items, metadata } = list.parse(expectStatus(await api.ask({ method: 'GET', path }, signal)).body)
    for (const { metadata: own, spec, status } of items) {
      const node = spec.nodeName
      // A VolumeAttachment does not contain the volumeHandle, but its name is a hash of it.
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
