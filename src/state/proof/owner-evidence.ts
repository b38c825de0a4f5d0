import type { Host } from '../../host/host.ts'
import type { Publication } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { Judgement, Witnesses } from '../../model/plan/owner.ts'
import { judgeHeld, judgeUnclaimed } from '../../model/plan/owner.ts'
import type { SettledRequest } from '../../model/request.ts'
import type { Registration } from '../../model/reservation.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import { readMark } from './mark.ts'

/** A volume, as far as it matters for ownership. */
export interface Owned {
  readonly name: string
  readonly request?: Pick<SettledRequest, 'use' | 'shared'> | undefined
  readonly fence?: Registration | undefined
  readonly publication?: Publication | undefined
}

/**
 * Collects the ownership evidence other than reservations: the VolumeAttachment and the file-system mark.
 * @param recorded the mark of this node's last mount, for use after a reboot
 */
export async function readWitnesses(
  host: Host,
  volume: Owned,
  disk: ScsiDisk,
  recorded?: Ext4Mark,
): Promise<Witnesses> {
  const { fence, publication, request } = volume
  const [kubernetes, mark] = await Promise.all([
    askKubernetes(host, publication),
    request ? readMark(host, volume.name, request.use, disk, recorded) : ('none' as const),
  ])
  return { persists: fence?.persists ?? false, kubernetes, mark }
}

async function askKubernetes(
  host: Host,
  publication: Publication | undefined,
): Promise<Witnesses['kubernetes']> {
  if (publication === undefined) return 'none'
  return host.witnesses.kubernetes?.(publication) ?? 'unreachable'
}

/**
 * Decides by the other evidence (VolumeAttachment, file-system mark) if the target has no reservations. A volume
 * for several writers has only its VolumeAttachment: each node has its own.
 * @throws FENCED another node has had the volume · OWNER_UNKNOWN it cannot be determined now
 */
export async function confirmUnguarded(host: Host, volume: Owned, disk: ScsiDisk): Promise<void> {
  const { fence, request, publication } = volume
  if (fence || !request || request.use.readOnly) return
  if (!request.shared) return requireOwn(volume, disk, await readWitnesses(host, volume, disk))
  const kubernetes = await askKubernetes(host, publication)
  requireOwn(volume, disk, { persists: false, kubernetes, mark: 'none' })
}

/** @throws FENCED OWNER_UNKNOWN */
export function requireOwn(
  { name }: Owned,
  disk: ScsiDisk,
  witnesses: Witnesses,
  { verdict, why }: Judgement = judgeUnclaimed(witnesses),
): void {
  if (verdict === 'own') return
  const code = verdict === 'lost' ? 'FENCED' : 'OWNER_UNKNOWN'
  throw new LunkeeperError(code, `${name}: ${disk.name}: ${why}`, { details: { ...witnesses } })
}

/** Judges a volume whose reservation the target has lost. The record alone does not decide a dispute. */
export function judgeLost(hasDispute: boolean, witnesses: Witnesses): Judgement {
  return hasDispute ? judgeHeld(witnesses, true) : judgeUnclaimed(witnesses)
}
