/** A VolumeAttachment of one volume, as the Kubernetes API has it. */
export interface VolumeAttachment {
  readonly name: string
  readonly uid: string
  /** The node's name in Kubernetes. */
  readonly node: string
  /** The node as NodeGetInfo named it; the attacher notes it before it asks for a publication. */
  readonly nodeId: string
  /** The PersistentVolume; null for a volume that has none. */
  readonly volume: string | null
  /** A publication has been answered, and noted. */
  readonly attached: boolean
  /** It has been deleted, and goes once it is unpublished. */
  readonly isEnding: boolean
  /** Of the API server, in whole seconds; RFC 3339. */
  readonly createdAt: string
}
