import type { AttachmentState, PathStatus, VolumeStatus } from '../../../model/attachment.ts'
import { isPathUp } from '../../../model/attachment.ts'
import { formatBytes } from '../../../model/bytes.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'

/**
 * How a state is shown. `good`: healthy. `wait`: I/O is held, or a change is in progress. `bad`: I/O fails. `idle`:
 * neutral.
 */
export type Tone = 'good' | 'wait' | 'bad' | 'idle'

/** A character for each tone, because colour alone must not carry information. */
export const ICONS: Readonly<Record<Tone, string>> = { good: '✓', wait: '◷', bad: '✗', idle: '·' }

export const STATE_TONE: Readonly<Record<AttachmentState, Tone>> = {
  ready: 'good',
  holding: 'wait',
  attaching: 'wait',
  detaching: 'wait',
  failed: 'bad',
  fenced: 'bad',
  misplaced: 'bad',
}

/** The meaning of each state, as text after the name of the volume. */
export const STATE_TEXT: Readonly<Record<AttachmentState, string>> = {
  ready: 'ready',
  holding: 'I/O is held until the target returns',
  failed: 'I/O fails',
  fenced: 'another node has the volume',
  misplaced: 'another volume answers in its place',
  attaching: 'is being attached',
  detaching: 'is being detached',
}

export function pathTone(path: PathStatus): Tone {
  if (isPathUp(path)) return 'good'
  return path.session === null || path.disk === null || path.diskState === 'offline' ? 'bad' : 'wait'
}

/** The amount of data that is not on the target yet; null if it is not known. */
export function unwritten({ hold: { waiting } }: VolumeStatus): string | null {
  if (waiting === null) return null
  return `${waiting.of === 'node' ? 'up to ' : ''}${formatBytes(waiting.bytes)}`
}

/** The icon of a tone. Screen readers skip it, because text with the same meaning follows. */
export function toneIcon(tone: Tone): PageElement {
  return h('span', { class: `sign ${tone}`, 'aria-hidden': 'true' }, ICONS[tone])
}
