import type { ExpectedIdentity, Identity } from '../identity.ts'
import { identityDifference, isIdentified, nameDifference } from '../identity.ts'
import type { ScsiDisk, Session } from '../snapshot.ts'

/** What is known of the path through one portal to one LUN: the kernel's state, and what was tried so far. */
export interface PathFacts {
  readonly session: Session | null
  readonly disk: ScsiDisk | null
  /**
   * Whether the session is ours, its timer has run out (FREE), and its only disks are those beneath this volume's
   * hold map, which keeps their I/O: nothing is lost with the session. iscsid may log it in again, or may have
   * given it up.
   */
  readonly isReplaceable: boolean
  /** Whether iscsid has had time to log it in again since the portal was reached. */
  readonly waited: boolean
  /** Whether the portal accepted a connection in this run. */
  readonly reached: boolean
  readonly loggedIn: boolean
  readonly timersSet: boolean
  /** How often the kernel was asked to scan for this LUN, and how often to drop a stale disk. */
  readonly scans: number
  readonly drops: number
  /** Whether the kernel was told to read the disk's size again. */
  readonly sizeAsked: boolean
  /** The disk's own answer; it does not apply to another disk object. */
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
  /**
   * The volume reports a size that the kernel does not have, because the kernel created the disk while the path had
   * none.
   */
  | 'read-size'
  /** Not the expected volume: a disk that this attempt has made is removed, and any other is left alone. */
  | 'mismatch'
  | 'ready'
  /** There is a session, but its target is away. */
  | 'away'
  | 'lun-absent'
  | 'unidentified'
  /** The right volume, but the path reports no size, so it cannot be read or written now. */
  | 'no-size'

/** If a LUN's volume changes faster than it can be checked, the command gives up. */
const MAX_DROPS = 2

/** The next step, from any state, towards a disk that is known to be the LUN's. */
export function nextPathStep(facts: PathFacts): PathStep {
  const { session, disk, identity } = facts
  // No session after a successful login: it was lost immediately. Another attempt needs another command.
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
  // A path that reports no size may still be the right volume: do not compare the size.
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
 * Whether the kernel takes this disk for another volume than the one that answers: the LUN was remapped while the
 * disk stayed. Its size, cache and links then belong to the previous volume.
 * @param fresh the kernel has just created it; old devices normally have no name then
 */
export function isStale(disk: ScsiDisk, identity: Identity, fresh = false): boolean {
  if (!isIdentified(disk.cached)) return isIdentified(identity) && !fresh
  return nameDifference(identity, disk.cached) !== null
}
