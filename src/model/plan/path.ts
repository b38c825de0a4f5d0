import type { ExpectedIdentity, Identity } from '../identity.ts'
import { identityDifference, isIdentified } from '../identity.ts'
import type { ScsiDisk, Session } from '../snapshot.ts'

/** What is known of the way through one portal to one LUN: the kernel's word, and what was tried. */
export interface PathFacts {
  readonly session: Session | null
  readonly disk: ScsiDisk | null
  /** Whether the portal accepted a connection in this run. */
  readonly reached: boolean
  readonly loggedIn: boolean
  readonly timersSet: boolean
  /** How often the kernel was asked for this LUN, and how often it was told to drop a stale disk. */
  readonly scans: number
  readonly drops: number
  /** Whether the kernel was told to read the disk's size again. */
  readonly sizeAsked: boolean
  /** The disk's own answer; of another disk object it says nothing. */
  readonly identity: Identity | null
  readonly expected: ExpectedIdentity
}

export type PathStep =
  | 'reach'
  | 'login'
  | 'set-timers'
  | 'scan'
  | 'appear'
  | 'identify'
  | 'drop-stale-disk'
  /** The volume tells a size that the kernel does not have: it made the disk while the path had none. */
  | 'read-size'
  /** Another volume than the one expected: whatever stands there stays as it is. */
  | 'mismatch'
  | 'ready'
  /** The session is there, but its target is away. */
  | 'away'
  | 'lun-absent'
  | 'unidentified'
  /** The right volume by a path that tells no size, and so cannot be read or written now. */
  | 'no-size'

/** A LUN whose volume changes faster than it can be looked at is not for us to settle. */
const MOST_DROPS = 2

/** The next thing to do on the way to a disk that is known to be the LUN's, from whatever is there. */
export function nextPathStep(facts: PathFacts): PathStep {
  const { session, disk, identity } = facts
  // No session after a login that worked: it was lost at once, and another try is another command.
  if (!session) return facts.loggedIn ? 'away' : facts.reached ? 'login' : 'reach'
  if (session.state !== 'LOGGED_IN') return 'away'
  if (!facts.timersSet) return 'set-timers'
  if (!disk) return facts.scans <= facts.drops ? 'scan' : 'lun-absent'
  if (disk.name === null) return 'appear'
  if (!identity) return 'identify'
  // A path that tells no size may be the right volume all the same, and is not judged by it.
  const expected = identity.bytes === 0 ? { ...facts.expected, bytes: null } : facts.expected
  if (identityDifference(identity, expected) !== null) return 'mismatch'
  if (isStale(disk, identity, facts.scans > facts.drops))
    return facts.drops < MOST_DROPS ? 'drop-stale-disk' : 'unidentified'
  if (!isIdentified(identity)) return 'unidentified'
  // An array answers INQUIRY, and refuses READ CAPACITY, on a path whose ALUA state is standby, unavailable or in
  // transition (SPC-4 5.15.2.4). The kernel takes such a disk for one of 0 bytes, which no map's table can have.
  if (identity.bytes === 0) return 'no-size'
  if (disk.bytes === 0) return facts.sizeAsked ? 'no-size' : 'read-size'
  return 'ready'
}

/**
 * Whether the kernel believes this disk to be another volume than the one that answers: the LUN was
 * mapped anew while the disk stayed. Its size, cache and links are then the former volume's.
 * @param fresh the kernel made it a moment ago: that it knows no name then is its way with old devices
 */
export function isStale(disk: ScsiDisk, identity: Identity, fresh = false): boolean {
  const believed = { wwid: disk.cached.wwid, serial: disk.cached.serial, bytes: 0 }
  if (!isIdentified(believed)) return isIdentified(identity) && !fresh
  return identityDifference(identity, { wwid: believed.wwid, serial: believed.serial }) !== null
}
