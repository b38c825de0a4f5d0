import type { HoldNote } from '../../model/hold-note.ts'
import type { Host } from '../../host/host.ts'
import type { VolumeName } from '../../model/name.ts'
import { hasPath } from '../../state/view/volume.ts'
import type { EventReporter } from '../events/event-reporter.ts'
import { recordOf } from '../events/event-reporter.ts'
import type { BrokenVolume } from './evictor.ts'

/**
 * The volumes whose pods must be replaced: broken ones whose target is back, and fenced ones, whose pods can do
 * nothing more on this node.
 */
export function brokenVolumes(
  host: Host,
  notes: ReadonlyMap<VolumeName, HoldNote>,
  reporter: EventReporter,
): BrokenVolume[] {
  return [...notes].flatMap(([name, { since, ended, kind }]) => {
    const isFenced = kind === 'fenced'
    const record = (kind === 'broken' && ended !== null) || isFenced ? recordOf(host, name) : null
    // Without a usable path the next pod would only block or fail. The next pod of a fenced volume starts on another node.
    const affected = record && (isFenced || hasPath(host, record)) ? reporter.affectedObjectsOf(record) : null
    if (!affected) return []
    return [
      {
        outage: since,
        pods: affected.pods,
        report: (pod, event) => reporter.report(affected, [pod], event),
      },
    ]
  })
}
