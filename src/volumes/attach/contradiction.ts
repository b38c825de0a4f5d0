import type { Attachment } from '../../model/attachment.ts'
import type { VolumeRequest } from '../../model/request.ts'

/** Why the volume's existing attachment does not match a request; null if it does. */
export function contradiction(existing: Attachment, request: VolumeRequest): string | null {
  const { use } = existing.request
  const wanted = request.use
  if (wanted.mount !== use.mount)
    return use.mount ? `it is mounted at ${use.mount}` : 'it is attached as a raw device, not mounted'
  if (Boolean(request.shared) !== Boolean(existing.request.shared))
    return `it is attached ${existing.request.shared ? 'as shared' : 'for this node alone, not as shared'}`
  if (wanted.readOnly !== use.readOnly) return `it is ${use.readOnly ? 'read-only' : 'read-write'}`
  if (wanted.fs && wanted.fs !== (existing.fs ?? use.fs ?? wanted.fs))
    return `its file system is ${existing.fs ?? use.fs}`
  if (wanted.options.toSorted().join() !== use.options.toSorted().join())
    return `its mount options are ${use.options.join(',') || 'the default ones'}`
  return null
}
