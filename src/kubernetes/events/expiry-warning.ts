import type { HoldNote } from '../../model/hold-note.ts'
import { safeHold } from '../../model/safe-hold.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { HoldMode } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import type { ShutdownGrace } from '../../model/plan/hold-deadline.ts'
import { holdEnd } from '../../model/plan/hold-deadline.ts'
import type { VolumeEvent } from './volume-event.ts'

/** The warning comes in the last fifth of a hold, at most two minutes before its end: this leaves a user time to extend it. */
const LEAD_DIVISOR = 5
const MAX_LEAD_S = 120
/** A user cannot act in less time. */
const MIN_LEAD_S = 10

/** The warning that a hold is about to end; null if it is not, or if the hold is too short for a warning. */
export function expiryWarning(
  record: Pick<Attachment, 'name' | 'mode' | 'request' | 'orchestrator' | 'fence'>,
  note: HoldNote,
  now: number,
  shutdown: ShutdownGrace | null = null,
): VolumeEvent | null {
  const { name, mode } = record
  const end = holdEnd(note, safeHold(record), shutdown)
  if (note.ended !== null || end === null) return null
  const hold = end.afterMs / 1000
  const deadline = new Date(Date.parse(note.since) + end.afterMs).toISOString()
  const lead = Math.min(hold / LEAD_DIVISOR, MAX_LEAD_S)
  const left = (Date.parse(deadline) - now) / 1000
  if (lead < MIN_LEAD_S || left > lead || left <= 0) return null
  return {
    reason: 'IOFailingSoon',
    type: 'Warning',
    message: `its storage is still away: I/O fails at ${deadline}, ${end.by === 'shutdown' ? 'because the node is shutting down' : remedyOf(name, mode)}`,
    // If the hold is extended, its new end causes a new warning.
    id: `${note.since} ${deadline}`,
  }
}

/** How the failure can be prevented. The timer of a session cannot be changed during an outage. */
function remedyOf(name: VolumeName, mode: HoldMode | null): string {
  return mode === 'session'
    ? "unless it is back by then: the hold is the session's timer, which cannot be extended now"
    : `unless the hold is extended: lunkeeper hold ${name} --set 2h, in the agent's container on its node (kubectl exec POD -c agent -- …)`
}
