import type { HoldNote } from '../../hold/note.ts'
import { deadlineOf } from '../../hold/note.ts'
import type { Hold } from '../../model/hold.ts'
import type { VolumeName } from '../../model/name.ts'
import type { Happening } from './happening.ts'

/** The last fifth of a hold, and two minutes at most: time for a person to lengthen it. */
const PART = 5
const MOST = 120
/** Nobody can do anything in less. */
const LEAST = 10

/** A warning that a hold is about to end; null while it is not, and where it is too short for one. */
export function soonOver(name: VolumeName, note: HoldNote, wanted: Hold, now: number): Happening | null {
  const deadline = deadlineOf(note, wanted)
  if (note.ended !== null || wanted === 'forever' || deadline === null) return null
  const lead = Math.min(wanted / PART, MOST)
  const left = (Date.parse(deadline) - now) / 1000
  if (lead < LEAST || left > lead || left <= 0) return null
  return {
    reason: 'IOFailingSoon',
    type: 'Warning',
    message: `its storage is still away: I/O fails at ${deadline}, unless it is told to wait for longer: lunkeeper hold ${name} --set 2h, on its node`,
    // A hold that was made longer ends another time.
    id: `${note.since} ${wanted}`,
  }
}
