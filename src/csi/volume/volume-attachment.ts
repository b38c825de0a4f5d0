import { Code } from '@connectrpc/connect'

import type { Host } from '../../host/host.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { grpcError } from '../status.ts'

/**
 * Whether this node may take a volume over from another node that has reserved it: only if Kubernetes confirms now that the
 * volume is attached to this node. A node that was paused or cut off may be carrying out a call from long ago.
 * @throws OWNED_ELSEWHERE the volume is no longer attached to this node
 */
export async function mayTakeOver(
  host: Host,
  volumeId: string,
  publication: Publication | null,
): Promise<boolean> {
  if (publication === null) return false
  const answer = (await host.witnesses.kubernetes?.(publication)) ?? 'unreachable'
  if (answer === 'gone')
    throw new LunkeeperError(
      'OWNED_ELSEWHERE',
      `${volumeId} is no longer given to this node: VolumeAttachment ${publication.attachment} with uid ${publication.uid} is gone`,
    )
  return answer === 'mine'
}

/**
 * Refuses to stage again a volume that Kubernetes has attached to this node once more since it was staged: in between another node
 * may have had it. Only a reservation, which is read before each write, shows that this node still owns it. The attach that follows
 * records the new VolumeAttachment once that is proven; until then the former one decides about the dirty pages.
 * @throws FAILED_PRECONDITION the volume was staged with another VolumeAttachment and has no reservation
 */
export function refuseFormerPublication(
  { name, publication: former, fence }: Pick<Attachment, 'name' | 'publication' | 'fence'>,
  publication: Publication | null,
): void {
  if (publication === null || !former || fence || former.uid === publication.uid) return
  throw grpcError(
    Code.FailedPrecondition,
    `CONFLICT: ${name} was staged when Kubernetes had given it to this node before, and another node may have had it since. Delete the pods that use it here: it is then staged again`,
  )
}
