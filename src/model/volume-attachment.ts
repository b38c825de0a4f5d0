/** A VolumeAttachment of one volume, as the Kubernetes API has it. */
export interface VolumeAttachment {
  readonly name: string
  readonly uid: string
  /** The node's name in Kubernetes. */
  readonly node: string
  /** The node's name from NodeGetInfo; the attacher records it before it requests a publication. */
  readonly nodeId: string
  /** The PersistentVolume; null for a volume without one. */
  readonly volume: string | null
  /** A publication was answered, and the answer recorded. */
  readonly attached: boolean
  /** It has been deleted, and will be gone once the volume is unpublished. */
  readonly isEnding: boolean
  /** Of the API server, in whole seconds; RFC 3339. */
  readonly createdAt: string
}
