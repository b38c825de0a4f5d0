import type { VolumeStatus } from '../../../model/attachment.ts'
import { limitText } from '../../../model/hold-text.ts'
import { count } from '../../../model/count.ts'
import { duration } from './time.ts'
import { STATE_TEXT } from './tone.ts'

/** More changes than this are announced as numbers. */
const MAX_NAMED = 3

/**
 * The text that a screen reader announces: changes of volume states, not numbers that change each second.
 * @returns null if there is nothing to announce
 */
export function announcement(
  before: readonly VolumeStatus[] | null,
  after: readonly VolumeStatus[],
  nowMs: number,
): string | null {
  if (before === null) return null
  const known = new Map(before.map((volume) => [volume.name, volume.state]))
  const changed = after.filter(({ name, state }) => known.get(name) !== state)
  const names = new Set(after.map(({ name }) => name))
  const gone = before.filter(({ name }) => !names.has(name))
  if (changed.length + gone.length === 0) return null
  if (changed.length + gone.length > MAX_NAMED) {
    const counts = new Map<string, number>()
    for (const { state } of changed) counts.set(state, (counts.get(state) ?? 0) + 1)
    const parts = [...counts].map(([state, number]) => `${number} ${state}`)
    if (gone.length > 0) parts.push(`${gone.length} detached`)
    return `${count(changed.length + gone.length, 'volume')} changed: ${parts.join(', ')}.`
  }
  return [
    ...changed.map((volume) => `${volume.name}: ${STATE_TEXT[volume.state]}${until(volume, nowMs)}.`),
    ...gone.map(({ name }) => `${name}: detached.`),
  ].join(' ')
}

function until({ state, hold }: VolumeStatus, nowMs: number): string {
  if (state !== 'holding') return ''
  return hold.deadline === null
    ? `, ${limitText(hold.effective)}`
    : `; otherwise it fails in ${duration(Date.parse(hold.deadline) - nowMs)}`
}
