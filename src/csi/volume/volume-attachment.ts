import { Code } from '@connectrpc/connect'

import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { volumeLock } from '../../state/records/locks.ts'
import { readRecord, writeRecord } from '../../state/records/volumes.ts'
import { grpcError } from '../status.ts'

/**
 * Whether a volume may be taken from another node that has reserved it: only if Kubernetes says now that it has given the
 * volume to this one. A node that was paused, or cut off, may carry out a call of long ago.
 * @throws FAILED_PRECONDITION Kubernetes has taken it from this node again
 */
export async function mayTakeOver(
  host: Host,
  volumeId: string,
  publication: Publication | null,
): Promise<boolean> {
  if (publication === null) return false
  const word = (await host.witnesses.kubernetes?.(publication)) ?? 'unreachable'
  if (word === 'gone')
    throw grpcError(
      Code.FailedPrecondition,
      `OWNED_ELSEWHERE: ${volumeId} is no longer given to this node: VolumeAttachment ${publication.attachment} with uid ${publication.uid} is gone`,
    )
  return word === 'mine'
}

/**
 * Notes under which VolumeAttachment a volume is that is staged already: it had none when it was staged, or Kubernetes has
 * made it again since. In between another node may have had the volume; that this one has it still only a reservation tells,
 * which is read before each write.
 * @throws FAILED_PRECONDITION it has another one, and no reservation
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
