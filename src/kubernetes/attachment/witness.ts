import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'

/** Milliseconds. The server's answer is one read of etcd; a waiting volume asks again. */
const DEADLINE_MS = 5_000

/**
 * What the API server says of the VolumeAttachment that a volume was staged under.
 * - `mine`: it is there, and is the one
 * - `deleting`: the volume is being taken from this node
 * - `gone`: it is not there: the volume was taken from this node
 * - `replaced`: the volume was taken from this node, and given to it again
 * - `unreachable`: not known; nothing follows from it
 */
export type AttachmentVerdict = 'mine' | 'deleting' | 'gone' | 'replaced' | 'unreachable'

const attachment = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.nullish(z.string()) }),
})

/** How an API server says that an object is not there; a 404 of anything else on the way does not look so. */
const absence = z.object({
  kind: z.literal('Status'),
  reason: z.literal('NotFound'),
  details: z.object({ name: z.string(), kind: z.literal('volumeattachments') }),
})

/**
 * One GET, within five seconds, of what etcd has now (no resourceVersion is given). Never throws: an answer that is not
 * understood, or that is not the API server's own word, is none.
 */
export async function askAttachment(
  api: Api,
  { name, uid }: { readonly name: string; readonly uid: string },
  signal: AbortSignal,
): Promise<AttachmentVerdict> {
  const path = `/apis/storage.k8s.io/v1/volumeattachments/${encodeURIComponent(name)}`
  try {
    const { status, body } = await api.ask(
      { method: 'GET', path, metadataOnly: 'one' },
      AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    )
    if (status === 404) return absence.safeParse(body).data?.details.name === name ? 'gone' : 'unreachable'
    const found = status === 200 ? attachment.safeParse(body).data?.metadata : undefined
    if (found?.name !== name) return 'unreachable'
    if (found.uid !== uid) return 'replaced'
    return found.deletionTimestamp ? 'deleting' : 'mine'
  } catch {
    return 'unreachable'
  }
}
