import type { AttachmentState } from '../attachment.ts'
import type { HoldNote } from '../hold-note.ts'

/** What a hold's note says of the state of its volume; null: there is none, and nothing is wrong with its hold. */
export function stateOfHold(note: HoldNote | null): AttachmentState | null {
  if (note === null) return null
  if (note.kind === 'misplaced' || note.kind === 'fenced') return note.kind
  return note.ended === null ? 'holding' : 'failed'
}
