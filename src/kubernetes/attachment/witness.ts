import * as z from 'zod/mini'

import type { Api } from '../api/client.ts'

/** The server answers after one read of etcd. A volume that is waiting asks again. */
const DEADLINE_MS = 5_000

/**
 * What the API server says about the VolumeAttachment with which a volume was staged.
 * - `mine`: it exists
 * - `deleting`: it is being deleted: the volume is being taken from this node
 * - `gone`: it was deleted: the volume was taken from this node
 * - `replaced`: it was deleted and created again: in between, another node may have had the volume
 * - `unreachable`: unknown; no conclusion can be drawn
 */
export type AttachmentVerdict = 'mine' | 'deleting' | 'gone' | 'replaced' | 'unreachable'

const attachment = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.nullish(z.string()) }),
})

/** The API server's answer for an object that does not exist. A 404 of a proxy on the way looks different. */
const absence = z.object({
  kind: z.literal('Status'),
  reason: z.literal('NotFound'),
  details: z.object({ name: z.string(), kind: z.literal('volumeattachments') }),
})

export interface AskedAttachment {
  readonly name: string
  readonly uid: string
}

/** What the API server says, and how it answered. */
export interface AttachmentAnswer {
  readonly verdict: AttachmentVerdict
  /** Null: there was no answer. */
  readonly status: number | null
  /** Milliseconds to wait before the next question, as the server asks (Retry-After); null if it does not say. */
  readonly retryAfter: number | null
}

/**
 * Asks the API server within five seconds for the VolumeAttachment that etcd has now (no resourceVersion is given). Never throws:
 * an answer that cannot be parsed, or is not the API server's own, counts as `unreachable`.
 */
export async function askAttachment(
  api: Api,
  ref: AskedAttachment,
  signal: AbortSignal,
): Promise<AttachmentAnswer> {
  const path = `/apis/storage.k8s.io/v1/volumeattachments/${encodeURIComponent(ref.name)}`
  try {
    const { status, body, retryAfter } = await api.ask(
      { method: 'GET', path, metadataOnly: 'one' },
      AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    )
    return { verdict: verdictOf(ref, status, body), status, retryAfter }
  } catch {
    return { verdict: 'unreachable', status: null, retryAfter: null }
  }
}

function verdictOf({ name, uid }: AskedAttachment, status: number, body: unknown): AttachmentVerdict {
  if (status === 404) return absence.safeParse(body).data?.details.name === name ? 'gone' : 'unreachable'
  const found = status === 200 ? attachment.safeParse(body).data?.metadata : undefined
  if (found?.name !== name) return 'unreachable'
  if (found.uid !== uid) return 'replaced'
  return found.deletionTimestamp ? 'deleting' : 'mine'
}
