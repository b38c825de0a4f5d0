import { identify } from '../../host/disk/identify.ts'
import type { Host } from '../../host/host.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import { identityDifference } from '../../model/identity.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'

export type Verdict =
  /** The volume itself, seen a moment ago. */
  | 'ours'
  /** The kernel's disk of our volume, but another volume answers: what is unwritten must not be written. */
  | 'changed'
  /** Our volume's disk, and nothing answers: target away, LUN unmapped. */
  | 'silent'
  /** Another volume's disk that stands at our LUN now: not ours to touch. */
  | 'foreign'

export interface Judged {
  readonly session: Session
  readonly disk: ScsiDisk
  readonly verdict: Verdict
  readonly reason: string | null
}

/** Asks the disk who it is, where it can answer, and compares with what the record has learned. */
export async function judge(
  host: Host,
  session: Session,
  disk: ScsiDisk,
  known: Identity | null,
): Promise<Judged> {
  const cached = { wwid: disk.cached.wwid, serial: disk.cached.serial, bytes: 0 }
  const believed = known ? { wwid: known.wwid, serial: known.serial } : disk.cached
  const wasOurs = identityDifference(cached, believed) === null
  const silent = (reason: string): Judged => ({
    session,
    disk,
    verdict: wasOurs ? 'silent' : 'foreign',
    reason,
  })
  if (session.state !== 'LOGGED_IN') return silent(`session ${session.sid} is ${session.state}`)
  if (disk.state !== 'running') return silent(`the disk is ${disk.state}`)
  try {
    const difference = identityDifference(await identify(host, disk), believed)
    if (difference === null) return { session, disk, verdict: 'ours', reason: null }
    return { session, disk, verdict: wasOurs ? 'changed' : 'foreign', reason: difference }
  } catch (error) {
    if (error instanceof LunkeeperError) return silent(error.message)
    throw error
  }
}
