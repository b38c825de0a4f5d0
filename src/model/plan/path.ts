import type { ExpectedIdentity, Identity } from '../identity.ts'
import { identityDifference, isIdentified, nameDifference } from '../identity.ts'
import type { ScsiDisk, Session } from '../snapshot.ts'

/** What is known of the path through one portal to one LUN: the kernel's state, and what was tried. */
export interface PathFacts {
  readonly session: Session | null
  readonly disk: ScsiDisk | null
  /**
   * Whether the session is one of ours whose timer has run out (FREE), with no other disks than those beneath this volume's hold
   * map, which keeps their I/O: nothing is lost with it. iscsid may log it in again, or may have given it up.
   */
  readonly isReplaceable: boolean
  /** Whether iscsid had the time to log it in again since the portal was reached. */
  readonly waited: boolean
  /** Whether the portal accepted a connection in this run. */
  readonly reached: boolean
  readonly loggedIn: boolean
  readonly timersSet: boolean
  /** How often the kernel was asked for this LUN, and how often it was told to drop a stale disk. */
  readonly scans: number
  readonly drops: number
  /** Whether the kernel was told to read the disk's size again. */
  readonly sizeAsked: boolean
  /** The disk's own answer; it says nothing about another disk object. */
  readonly identity: Identity | null
  readonly expected: ExpectedIdentity
}

export type PathStep =
  | 'reach'
  | 'login'
  /** Waits for iscsid to log a lost session in again. */
  | 'await-login'
  /** Ends a lost session, so that another can be made. */
  | 'log-out'
  | 'set-timers'
  | 'scan'
  | 'appear'
  | 'identify'
  | 'drop-stale-disk'
  /** The volume reports a size that the kernel does not have, because it created the disk while the path had none. */
  | 'read-size'
  /** Another volume than the expected one: whatever is there is left alone. */
  | 'mismatch'
  | 'ready'
  /** There is a session, but its target is away. */
  | 'away'
  | 'lun-absent'
  | 'unidentified'
  /** The right volume on a path that reports no size, and so cannot be read or written now. */
  | 'no-size'

/** A LUN whose volume changes faster than it can be checked cannot be resolved here. */
const MAX_DROPS = 2

/** The next step to a disk that is known to be the LUN's, from any state. */
export function nextPathStep(facts: PathFacts): PathStep {
  const { session, disk, identity } = facts
  // No session after a successful login: it was lost immediately; another attempt is another command.
  if (!session) return facts.loggedIn ? 'away' : facts.reached ? 'login' : 'reach'
  if (session.state !== 'LOGGED_IN') {
    if (!facts.isReplaceable || facts.loggedIn) return 'away'
    if (!facts.reached) return 'reach'
    return facts.waited ? 'log-out' : 'await-login'
  }
  if (!facts.timersSet) return 'set-timers'
  if (!disk) return facts.scans <= facts.drops ? 'scan' : 'lun-absent'
  if (disk.name === null) return 'appear'
  if (!identity) return 'identify'
  // A path that reports no size may still be the right volume, and is not judged by it.
  const expected = identity.bytes === 0 ? { ...facts.expected, bytes: null } : facts.expected
  if (identityDifference(identity, expected) !== null) return 'mismatch'
  if (isStale(disk, identity, facts.scans > facts.drops))
    return facts.drops < MAX_DROPS ? 'drop-stale-disk' : 'unidentified'
  if (!isIdentified(identity)) return 'unidentified'
  // An array answers INQUIRY and rejects READ CAPACITY on a path whose ALUA state is standby, unavailable or in
  // transition (SPC-4 5.15.2.4). The kernel treats such a disk as 0 bytes long, which no map's table can contain.
  if (identity.bytes === 0) return 'no-size'
  if (disk.bytes === 0) return facts.sizeAsked ? 'no-size' : 'read-size'
  return 'ready'
}

/**
 * Whether the kernel believes this disk to be another volume than the one that answers: the LUN was remapped while the
 * disk stayed. Its size, cache and links are then the previous volume's.
 * @param fresh the kernel created it a moment ago; that it then knows no name is normal for old devices
 */
export function isStale(disk: ScsiDisk, identity: Identity, fresh = false): boolean {
  if (!isIdentified(disk.cached)) return isIdentified(identity) && !fresh
  return nameDifference(identity, disk.cached) !== null
}
