/** A broken promise. A shortened history must produce the same kind. */
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
  /** A write of one node arrives after another one has become the owner. */
  | 'two-writers'
  /** Bytes on a volume that its own attachment did not write. */
  | 'wrong-volume'
  /** A volume changed although it is not attached. */
  | 'written-while-detached'
  /** Bytes that no write produced. */
  | 'corrupt'
  /** A confirmed write is missing, and Lunkeeper did not report that it was given up. */
  | 'lost'
  /** A file system that was unmounted cleanly is not clean. */
  | 'unclean'
  /** A LUN presents another volume, and Lunkeeper reports no problem. */
  | 'unnoticed'
  /** What `volumes` reports does not match what I/O does. */
  | 'disagrees'
  /** A read returned what the volume does not contain. */
  | 'wrong-read'
  /** An operation did not end in time. */
  | 'hang'
  /** A disk, a session, a map, a mount or a file that belongs to nothing. */
  | 'left-behind'
  /** The record of a volume is gone although the volume was not detached. */
  | 'forgotten'
  /** Targets and node are in order again, but the volume is not. */
  | 'not-recovered'
  /** A command failed although nothing prevented it. */
  | 'refused'
  /** The only node that has ever used a volume is reported to have lost it to another. */
  | 'fenced'
  /** The agent ended without being stopped. */
  | 'agent-died'
