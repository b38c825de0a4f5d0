import type { Host } from '../../host/host.ts'
import { isHoldMap, readMap } from '../../host/read/maps.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { LunkeeperError } from '../../model/errors.ts'
import { identityDifference } from '../../model/identity.ts'
import type { DmMap, ScsiDisk, Session } from '../../model/snapshot.ts'
import { askDisk } from '../../state/proof/ask.ts'
import { standsOn } from '../../state/proof/stands.ts'

export type Verdict =
  /** The volume itself, asked a moment ago. */
  | 'ours'
  /** What the volume's file system or map stands on, but another volume answers: nothing may be written out. */
  | 'changed'
  /** The volume's disk, and nothing answers: target away, LUN unmapped. */
  | 'silent'
  /** The volume itself, and another node has it: nothing may be written out. */
  | 'lost'
  /** A disk at the volume's LUN with which this volume has nothing to do: it stays as it is. */
  | 'foreign'

export interface Judged {
  readonly session: Session
  readonly disk: ScsiDisk
  readonly verdict: Verdict
  /** Why it is not `ours`. */
  readonly error: LunkeeperError | null
}

/**
 * Judges a disk at the volume's LUN: which volume answers, and whether this volume stands on it.
 *
 * What the kernel remembers of the disk decides only where the volume does not stand on it and it does not answer:
 * that cache is refreshed by a rescan or a new login, also to another volume's name under a mounted file system.
 * @param record null for a volume that no record knows: then the disk must be what the kernel took it for
 * @param maps the volume's own maps
 */
export async function judge(
  host: Host,
  session: Session,
  disk: ScsiDisk,
  record: Attachment | null,
  maps: readonly DmMap[],
): Promise<Judged> {
  const { wwid, serial } = disk.cached
  const believed = record?.identity ?? disk.cached
  const isCachedAsOurs = identityDifference({ wwid, serial, bytes: 0 }, believed) === null
  const isUsed = standsOn(host, record, disk, maps)
  const isUnderAnother = isOtherHoldMapOver(host, disk, maps)
  const { verdict, error } = await askDisk(host, disk, believed, { fence: record?.fence })
  const judged = (verdict: Verdict): Judged => ({ session, disk, verdict, error })
  if (isUnderAnother && !isUsed) return judged('foreign')
  // One that is unclaimed is claimed again, or not, by the proof that each write asks for.
  if (verdict === 'ours' || verdict === 'unclaimed') return judged('ours')
  if (verdict === 'lost') return judged('lost')
  const isIts = isUsed || isCachedAsOurs
  return judged(isIts ? (verdict === 'stranger' ? 'changed' : 'silent') : 'foreign')
}

/** Whether the hold map of another volume stands on the disk. */
function isOtherHoldMapOver(host: Host, disk: ScsiDisk, maps: readonly DmMap[]): boolean {
  return disk.holders.some((holder) => {
    if (maps.some((map) => map.device === holder)) return false
    const map = readMap(host.paths, holder)
    return map !== null && isHoldMap(map)
  })
}
