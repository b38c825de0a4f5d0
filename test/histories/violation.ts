/** A promise that was not kept. The kind is what a shorter history must show again. */
export class Violation extends Error {
  override readonly name = 'Violation'
  readonly kind: ViolationKind
  readonly volume: string | null

  constructor(kind: ViolationKind, volume: string | null, message: string) {
    super(`${kind}${volume === null ? '' : ` of ${volume}`}: ${message}`)
    this.kind = kind
    this.volume = volume
  }
}

export type ViolationKind =
  /** What a node wrote arrives after another one has become the owner. */
  | 'two-writers'
  /** Bytes on a volume that its own attachment did not write. */
  | 'wrong-volume'
  /** A volume changed although it is attached nowhere. */
  | 'written-while-detached'
  /** Bytes that no write put there. */
  | 'corrupt'
  /** A confirmed write is missing, and Lunkeeper did not say that it was given up. */
  | 'lost'
  /** A file system that was unmounted cleanly is not clean. */
  | 'unclean'
  /** A LUN shows another volume, and Lunkeeper says that all is well. */
  | 'unnoticed'
  /** What `volumes` says is not what I/O does. */
  | 'disagrees'
  /** A read gave what the volume does not hold. */
  | 'wrong-read'
  /** An operation did not end in time. */
  | 'hang'
  /** A disk, a session, a map, a mount or a file that belongs to nothing. */
  | 'left-behind'
  /** The record of a volume is gone, and the volume was not detached. */
  | 'forgotten'
  /** All is well again with targets and node, and the volume is not. */
  | 'not-recovered'
  /** A command failed although nothing stood in its way. */
  | 'refused'
  /** The only node that has ever used a volume is said to have lost it to another. */
  | 'fenced'
  /** The agent ended without being stopped. */
  | 'agent-died'
