import type { Host } from '../../host/host.ts'
import { holdMapsOver } from '../../host/read/maps.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { LunkeeperError } from '../../model/errors.ts'
import { nameDifference } from '../../model/identity.ts'
import type { DmMap, ScsiDisk, Session } from '../../model/snapshot.ts'
import { askDisk } from '../../state/proof/ask.ts'
import { isUsedOn } from '../../state/proof/used-on.ts'

export type Verdict =
  /** It is the volume itself, asked a moment ago. */
  | 'ours'
  /** The volume's file system or map uses it, but another volume answers: nothing may be written out. */
  | 'changed'
  /** It is the volume's disk, but does not answer: the target is away, or the LUN unmapped. */
  | 'silent'
  /** It is the volume itself, but another node has it: nothing may be written out. */
  | 'lost'
  /** It is a disk at the volume's LUN that is not related to this volume: it is left alone. */
  | 'foreign'

export interface Judged {
  readonly session: Session
  readonly disk: ScsiDisk
  readonly verdict: Verdict
  /** Why it is not `ours`. */
  readonly error: LunkeeperError | null
}

/**
 * Classifies a disk at the volume's LUN: which volume answers, and whether this volume is in use on it.
 *
 * The kernel's cache of the disk's identity decides only if the volume is not in use on it and it does not answer:
 * a rescan or a new login refreshes that cache, even to another volume's name under a mounted file system.
 * @param record null for a volume without a record: then the disk must match what the kernel has cached
 * @param maps the volume's own maps
 */
export async function judge(
  host: Host,
  session: Session,
  disk: ScsiDisk,
  record: Attachment | null,
  maps: readonly DmMap[],
): Promise<Judged> {
  const believed = record?.identity ?? disk.cached
  // The size is not compared: a volume may have grown since this path was lost.
  const isCachedAsOurs = nameDifference(disk.cached, believed) === null
  const isUsed = isUsedOn(host, record, disk, maps)
  const isUnderAnother = isOtherHoldMapOver(host, disk, maps)
  const { verdict, error } = await askDisk(host, disk, believed, { fence: record?.fence })
  const judged = (verdict: Verdict): Judged => ({ session, disk, verdict, error })
  if (isUnderAnother && !isUsed) return judged('foreign')
  // Before each write, the proof claims an unclaimed volume again, or refuses it.
  if (verdict === 'ours' || verdict === 'unclaimed') return judged('ours')
  if (verdict === 'lost') return judged('lost')
  const isIts = isUsed || isCachedAsOurs
  return judged(isIts ? (verdict === 'stranger' ? 'changed' : 'silent') : 'foreign')
}

/** Whether the hold map of another volume is on the disk. */
function isOtherHoldMapOver(host: Host, disk: ScsiDisk, maps: readonly DmMap[]): boolean {
  return holdMapsOver(host.paths, disk).some(({ device }) => !maps.some((map) => map.device === device))
}
