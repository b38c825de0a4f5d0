import type { Host } from '../../host/host.ts'
import { hasActivePath } from '../../host/map/hold-map.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { isAgentRunning } from '../records/agent-lock.ts'

/**
 * Whether I/O goes through a hold map that no agent looks after, for a volume of which a path is up: an agent that was stopped
 * while it brought a path back has left its note, which says that the volume is held.
 */
export async function carriesAlone(host: Host, map: DmMap): Promise<boolean> {
  return !(await isAgentRunning(host)) && (await hasActivePath(host, map))
}
