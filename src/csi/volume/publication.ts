import { LunkeeperError } from '../../model/errors.ts'
import { VolumeCapability_AccessMode_Mode as Mode } from '../protocol/csi_pb.js'

const NAME = 'lunkeeper.dev/attachment'
const UID = 'lunkeeper.dev/attachment-uid'

/** A VolumeAttachment. It has a new uid each time that Kubernetes attaches the volume to a node. */
export interface AttachmentRef {
  readonly name: string
  readonly uid: string
}

/** What ControllerPublishVolume returned for a volume. */
export interface StagePublication {
  readonly attachment: AttachmentRef
}

/** How many nodes may have a volume attached at the same time, and whether they may write. */
export type Sharing = 'one-node' | 'many-readers' | 'many-writers'

/** What entitles a node to a volume. */
export interface Owner {
  /** Null if Kubernetes has no VolumeAttachment, and so does not keep other nodes from the volume. */
  readonly attachment: AttachmentRef | null
  readonly sharing: Sharing
}

/** The publish_context for a volume that is attached to a node. */
export function publishContextOf({ name, uid }: AttachmentRef): Record<string, string> {
  return { [NAME]: name, [UID]: uid }
}

/**
 * Parses a publish_context. It is empty if no controller publishes volumes (`attachRequired: false`), and for a volume that
 * was in use when that was changed. Keys of other programs are ignored.
 * @throws BAD_REQUEST a key is missing, or its value is not what our controller writes
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
        hint: 'It must come from `lunkeeper controller` of the same version, through the external-attacher.',
      },
    )
  return { attachment: { name, uid } }
}

/** What entitles this node to a volume that is staged with this publication and access mode. */
export function entitledOwner(publication: StagePublication | null, mode: Mode): Owner {
  return { attachment: publication?.attachment ?? null, sharing: sharingOf(mode) }
}

/** An unknown or unsupported mode is treated as one node, which is the strictest. */
export function sharingOf(mode: Mode): Sharing {
  if (mode === Mode.MULTI_NODE_READER_ONLY) return 'many-readers'
  return mode === Mode.MULTI_NODE_MULTI_WRITER ? 'many-writers' : 'one-node'
}
