import type { Host } from '../../host/host.ts'
import type { Publication } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'

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
