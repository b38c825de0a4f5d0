import { Code } from '@connectrpc/connect'

import { Recent } from '../../model/recent.ts'
import type { VolumeAttachment } from '../../model/volume-attachment.ts'
import { requireText } from '../node/arguments.ts'
import type { ControllerPublishVolumeRequest, ControllerUnpublishVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'
import { parseCapability, unsupported } from '../volume/capability.ts'
import { publishContextOf, sharingOf } from '../volume/publication.ts'
import { decide } from './decide.ts'

/** More volumes than an attacher attaches between two reads of the API. */
const MOST_ANSWERS = 10_000

/** All VolumeAttachments of a volume, as the API has them now. @throws whatever keeps the API from answering */
export type FindAttachments = (volumeId: string, signal: AbortSignal) => Promise<readonly VolumeAttachment[]>

/**
 * Gives volumes to nodes, one at a time where their access mode says so. Nothing is kept but the last answer for each volume,
 * for the moment in which the attacher has not noted it yet; the API is authoritative. Nothing is done at a target.
 */
export class Publisher {
  readonly #find: FindAttachments
  readonly #answered = new Recent<string, { readonly uid: string; readonly nodeId: string }>(MOST_ANSWERS)

  constructor(find: FindAttachments) {
    this.#find = find
  }

  /** @returns the publish_context @throws INVALID_ARGUMENT NOT_FOUND FAILED_PRECONDITION UNAVAILABLE */
  async publish(call: ControllerPublishVolumeRequest, signal: AbortSignal): Promise<Record<string, string>> {
    const volumeId = requireText(call.volumeId, 'volume_id')
    const nodeId = requireText(call.nodeId, 'node_id')
    const capability = parseCapability(call.volumeCapability)
    const reason = unsupported(capability)
    if (reason) throw grpcError(Code.InvalidArgument, `BAD_REQUEST: ${volumeId}: ${reason}`)
    const sharing = sharingOf(capability.mode)
    const attachments = await this.#look(volumeId, signal)
    const decision = decide(
      { volumeId, nodeId, sharing },
      attachments,
      this.#answered.get(volumeId)?.uid ?? null,
    )
    if (decision.kind === 'not-found') throw grpcError(Code.NotFound, `NOT_FOUND: ${decision.reason}`)
    if (decision.kind === 'refuse')
      throw grpcError(Code.FailedPrecondition, `OWNED_ELSEWHERE: ${decision.reason}`)
    const { name, uid } = decision.attachment
    this.#answered.set(volumeId, { uid, nodeId })
    return publishContextOf({ name, uid })
  }

  /**
   * The node must no longer use the volume. It may still do so if Kubernetes has declared it dead. The next node has a
   * VolumeAttachment with another uid, which lets it take the volume over.
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
      // No node gets a volume while it is unknown which node has it; the attacher asks again.
      throw grpcError(
        Code.Unavailable,
        `the Kubernetes API did not say to which nodes ${volumeId} is attached: ${(error as Error).message}`,
      )
    }
  }
}
