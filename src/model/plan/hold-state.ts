import type { AttachmentState } from '../attachment.ts'
import type { HoldNote } from '../hold-note.ts'

/** The state of a volume according to its hold note; null: there is no note, and nothing is wrong with the hold. */
export function stateOfHold(note: HoldNote | null): AttachmentState | null {
  if (note === null) return null
  if (note.kind === 'misplaced' || note.kind === 'fenced') return note.kind
  return note.ended === null ? 'holding' : 'failed'
}
