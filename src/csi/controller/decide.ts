import type { VolumeAttachment } from '../../model/volume-attachment.ts'
import type { Sharing } from '../volume/publication.ts'

/** A ControllerPublishVolume call. */
export interface PublishCall {
  readonly volumeId: string
  readonly nodeId: string
  readonly sharing: Sharing
}

export type Decision =
  | { readonly kind: 'publish'; readonly attachment: VolumeAttachment }
  | { readonly kind: 'not-found'; readonly reason: string }
  | { readonly kind: 'refuse'; readonly reason: string }

/**
 * Decides whether a node may have a volume. Except in the access modes for many nodes, one node has it at a time:
 * the oldest VolumeAttachment, or the one for which a call succeeded, keeps the volume until it is deleted. So two
 * calls cannot block each other.
 * @param attachments all VolumeAttachments of this volume, read after the call arrived
 * @param answered the uid of the VolumeAttachment for which a call succeeded last, which the API may not show yet
 */
export function decide(
  { volumeId, nodeId, sharing }: PublishCall,
  attachments: readonly VolumeAttachment[],
  answered: string | null,
): Decision {
  const own = attachments.find((one) => one.nodeId === nodeId)
  if (!own)
    return { kind: 'not-found', reason: `there is no VolumeAttachment of ${volumeId} for node ${nodeId}` }
  if (own.isEnding)
    return { kind: 'refuse', reason: `VolumeAttachment ${own.name} of ${volumeId} is being deleted` }
  const others = attachments.filter((one) => one !== own)
  const twin = others.find(({ volume }) => volume !== own.volume)
  if (twin)
    return {
      kind: 'refuse',
      reason: `${volumeId} is the volumeHandle of two PersistentVolumes, ${twin.volume} (on node ${twin.node}) and ${own.volume}: Kubernetes treats them as one volume; give each its own`,
    }
  const rival = sharing === 'one-node' ? others.find((other) => goesFirst(other, own, answered)) : undefined
  return rival
    ? {
        kind: 'refuse',
        reason: `${volumeId} is attached to node ${rival.node} (VolumeAttachment ${rival.name}); node ${own.node} gets it when that is gone`,
      }
    : { kind: 'publish', attachment: own }
}

function goesFirst(other: VolumeAttachment, own: VolumeAttachment, answered: string | null): boolean {
  if (other.attached || other.uid === answered) return true
  if (own.attached || own.uid === answered) return false
  // Neither has the volume: the older one gets it; if both have the same time, it is always the same one.
  return other.createdAt === own.createdAt ? other.uid < own.uid : other.createdAt < own.createdAt
}
