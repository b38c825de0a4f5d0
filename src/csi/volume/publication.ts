import { LunkeeperError } from '../../model/errors.ts'
import { VolumeCapability_AccessMode_Mode as Mode } from '../protocol/csi_pb.js'

const NAME = 'lunkeeper.dev/attachment'
const UID = 'lunkeeper.dev/attachment-uid'

/** A VolumeAttachment of Kubernetes. Its uid is new each time that the volume is given to a node. */
export interface AttachmentRef {
  readonly name: string
  readonly uid: string
}

/** What ControllerPublishVolume said of a volume that is staged. */
export interface StagePublication {
  readonly attachment: AttachmentRef
}

/** How many nodes may have a volume at once, and what they may do with it. */
export type Sharing = 'one-node' | 'many-readers' | 'many-writers'

/** By what right a node has a volume. */
export interface Owner {
  /** Null where Kubernetes keeps no record of it: it does not guard the volume from other nodes. */
  readonly attachment: AttachmentRef | null
  readonly sharing: Sharing
}

/** The publish_context of a volume that is given to a node. */
export function publishContextOf({ name, uid }: AttachmentRef): Record<string, string> {
  return { [NAME]: name, [UID]: uid }
}

/**
 * A publish_context, which is empty where no controller publishes volumes (`attachRequired: false`), and for a volume that
 * was in use when that was changed. Keys of others are passed over.
 * @throws BAD_REQUEST half of it is missing, or it is not what a controller of ours writes
 */
export function parsePublication(context: Readonly<Record<string, string>>): StagePublication | null {
  const { [NAME]: name = '', [UID]: uid = '' } = context
  if (name === '' && uid === '') return null
  // Kubernetes: csi_attacher.go, getAttachmentName; a uid is a UUID.
  if (!/^csi-[0-9a-f]{64}$/.test(name) || !/^[0-9A-Za-z-]{1,64}$/.test(uid))
    throw new LunkeeperError(
      'BAD_REQUEST',
      `The publish_context names no VolumeAttachment: "${name}", "${uid}"`,
      {
        hint: 'It has to come from `lunkeeper controller` of the same version, through the external-attacher.',
      },
    )
  return { attachment: { name, uid } }
}

/** By what right a volume that is staged with this publication and access mode is on this node. */
export function ownerOf(publication: StagePublication | null, mode: Mode): Owner {
  return { attachment: publication?.attachment ?? null, sharing: sharingOf(mode) }
}

/** A mode that is not known or not supported counts as that of one node: the strictest. */
export function sharingOf(mode: Mode): Sharing {
  if (mode === Mode.MULTI_NODE_READER_ONLY) return 'many-readers'
  return mode === Mode.MULTI_NODE_MULTI_WRITER ? 'many-writers' : 'one-node'
}
