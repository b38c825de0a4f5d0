import type { HoldNote } from '../../model/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeName } from '../../model/name.ts'
import { hasPath } from '../../state/view/volume.ts'
import type { Teller } from '../events/teller.ts'
import { recordOf } from '../events/teller.ts'
import type { Broken } from './evictor.ts'

/**
 * Volumes whose pods would benefit from a restart: broken, with a target that is back; or fenced, where they can do nothing
 * more on this node.
 */
export function brokenOf(host: Host, notes: ReadonlyMap<VolumeName, HoldNote>, teller: Teller): Broken[] {
  return [...notes].flatMap(([name, { since, ended, kind }]) => {
    const isFenced = kind === 'fenced'
    const record = (kind === 'broken' && ended !== null) || isFenced ? recordOf(host, name) : null
    // Without a usable path the next pod would only block or fail; that of a fenced volume starts elsewhere.
    const audience = record && (isFenced || hasPath(host, record)) ? teller.audienceOf(record) : null
    if (!audience) return []
    return [
      {
        outage: since,
        pods: audience.pods,
        tell: (pod, happening) => teller.tell(audience, [pod], happening),
      },
    ]
  })
}
