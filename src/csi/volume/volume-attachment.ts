import { Code } from '@connectrpc/connect'

import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { readRecord, writeRecord } from '../../state/records/volumes.ts'
import { grpcError } from '../status.ts'

/**
 * Whether this node may take a volume over from another node that has reserved it: only if Kubernetes confirms now that the
 * volume is attached to this node. A node that was paused or cut off may be carrying out a call from long ago.
 * @throws FAILED_PRECONDITION the volume is no longer attached to this node
 */
export async function mayTakeOver(
  host: Host,
  volumeId: string,
  publication: Publication | null,
): Promise<boolean> {
  if (publication === null) return false
  const answer = (await host.witnesses.kubernetes?.(publication)) ?? 'unreachable'
  if (answer === 'gone')
    throw grpcError(
      Code.FailedPrecondition,
      `OWNED_ELSEWHERE: ${volumeId} is no longer given to this node: VolumeAttachment ${publication.attachment} with uid ${publication.uid} is gone`,
    )
  return answer === 'mine'
}

/**
 * Records the VolumeAttachment of a volume that is already staged: it had none when it was staged, or Kubernetes has created
 * a new one since. In between another node may have had the volume. Only a reservation, which is read before each write,
 * shows that this node still owns it.
 * @throws FAILED_PRECONDITION the volume was staged with another VolumeAttachment and has no reservation
 */
export async function adoptPublication(
  host: Host,
  existing: Attachment,
  publication: Publication | null,
  signal: AbortSignal,
): Promise<void> {
  const { name, publication: former, fence } = existing
  if (publication === null || former?.uid === publication.uid) return
  if (former && !fence)
    throw grpcError(
      Code.FailedPrecondition,
      `CONFLICT: ${name} was staged when Kubernetes had given it to this node before, and another node may have had it since. Delete the pods that use it here: it is then staged again`,
    )
  await withLock(...volumeLock(host, existing, 'stage', signal), async () => {
    const record = readRecord(host, name)
    if (record?.phase === 'ready') writeRecord(host, { ...record, publication })
  })
}
