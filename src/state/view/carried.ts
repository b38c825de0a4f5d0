import type { Host } from '../../host/host.ts'
import { hasActivePath } from '../../host/map/hold-map.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { isAgentRunning } from '../records/agent-lock.ts'
import type { VolumeView } from './volume.ts'
import { isUp } from './volume.ts'

/**
 * Whether I/O goes through a hold map that no agent monitors: an agent that was stopped while it brought a path
 * back has left its note, which still says that the volume is held. A path counts if it is up and device-mapper
 * uses it.
 */
export async function carriesAlone(host: Host, map: DmMap, { sessions }: VolumeView): Promise<boolean> {
  const up = sessions.filter(isUp).flatMap(({ disk }) => disk?.devno ?? [])
  return up.length > 0 && !(await isAgentRunning(host)) && (await hasActivePath(host, map, up))
}
