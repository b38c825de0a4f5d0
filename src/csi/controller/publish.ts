import { Recent } from '../../model/recent.ts'
import type { VolumeAttachment } from '../../model/volume-attachment.ts'
import { requireText } from '../node/arguments.ts'
import type { ControllerPublishVolumeRequest, ControllerUnpublishVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { parseCapability, unsupported } from '../volume/capability.ts'
import { publishContextOf, sharingOf } from '../volume/publication.ts'
import { decide } from './decide.ts'

/** More volumes than an attacher attaches between two reads of the API. */
const MAX_ANSWERS = 10_000

/** Reads all VolumeAttachments of a volume from the API. @throws if the API does not answer */
export type FindAttachments = (volumeId: string, signal: AbortSignal) => Promise<readonly VolumeAttachment[]>

/**
 * Attaches volumes to nodes in the sense of Kubernetes: to one node at a time, if the access mode requires it. The API is
 * authoritative. Only the last answer for each volume is kept, until the attacher has written it to the API. Targets are not
 * contacted.
 */
export class Publisher {
  readonly #find: FindAttachments
  readonly #answered = new Recent<string, { readonly uid: string; readonly nodeId: string }>(MAX_ANSWERS)

  constructor(find: FindAttachments) {
    this.#find = find
  }

  /** @returns the publish_context @throws INVALID_ARGUMENT NOT_FOUND FAILED_PRECONDITION UNAVAILABLE */
  async publish(call: ControllerPublishVolumeRequest, signal: AbortSignal): Promise<Record<string, string>> {
    const volumeId = requireText(call.volumeId, 'volume_id')
    const nodeId = requireText(call.nodeId, 'node_id')
    const capability = parseCapability(call.volumeCapability)
    const reason = unsupported(capability)
    if (reason) throw grpcError('BAD_REQUEST', `${volumeId}: ${reason}`)
    const sharing = sharingOf(capability.mode)
    const attachments = await this.#look(volumeId, signal)
    const decision = decide(
      { volumeId, nodeId, sharing },
      attachments,
      this.#answered.get(volumeId)?.uid ?? null,
    )
    if (decision.kind === 'not-found') throw grpcError('NOT_FOUND', decision.reason)
    if (decision.kind === 'refuse') throw grpcError('OWNED_ELSEWHERE', decision.reason)
    const { name, uid } = decision.attachment
    this.#answered.set(volumeId, { uid, nodeId })
    return publishContextOf({ name, uid })
  }

  /**
   * Takes a volume from a node. A node that Kubernetes has declared dead may still use it; the next node has a
   * VolumeAttachment with another uid, which entitles it to take the volume over.
   * @throws INVALID_ARGUMENT
   */
  unpublish(call: ControllerUnpublishVolumeRequest): void {
    const volumeId = requireText(call.volumeId, 'volume_id')
    if (call.nodeId === '' || this.#answered.get(volumeId)?.nodeId === call.nodeId)
      this.#answered.delete(volumeId)
  }

  async #look(volumeId: string, signal: AbortSignal): Promise<readonly VolumeAttachment[]> {
    try {
      return await this.#find(volumeId, signal)
    } catch (error) {
      // While it is unknown which node has the volume, no node gets it. The attacher repeats the call.
      throw grpcError(
        'OWNER_UNKNOWN',
        `the Kubernetes API did not say to which nodes ${volumeId} is attached: ${(error as Error).message}`,
      )
    }
  }
}
