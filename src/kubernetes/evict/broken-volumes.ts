import type { HoldNote } from '../../model/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeName } from '../../model/name.ts'
import { hasPath } from '../../state/view/volume.ts'
import type { EventReporter } from '../events/event-reporter.ts'
import { recordOf } from '../events/event-reporter.ts'
import type { BrokenVolume } from './evictor.ts'

/**
 * Volumes whose pods would benefit from a restart: broken, with a target that is back; or fenced, where they can do nothing
 * more on this node.
 */
export function brokenVolumes(
  host: Host,
  notes: ReadonlyMap<VolumeName, HoldNote>,
  reporter: EventReporter,
): BrokenVolume[] {
  return [...notes].flatMap(([name, { since, ended, kind }]) => {
    const isFenced = kind === 'fenced'
    const record = (kind === 'broken' && ended !== null) || isFenced ? recordOf(host, name) : null
    // Without a usable path the next pod would only block or fail; that of a fenced volume starts elsewhere.
    const affected = record && (isFenced || hasPath(host, record)) ? reporter.affectedObjectsOf(record) : null
    if (!affected) return []
    return [
      {
        outage: since,
        pods: affected.pods,
        tell: (pod, event) => reporter.tell(affected, [pod], event),
      },
    ]
  })
}
