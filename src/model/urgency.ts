import type { AttachmentState, VolumeStatus } from './attachment.ts'

/** States in the order in which a reader wants to see them: failing I/O, held I/O, changes, ready volumes. */
export const STATE_RANK: Readonly<Record<AttachmentState, number>> = {
  failed: 0,
  fenced: 0,
  misplaced: 0,
  holding: 1,
  attaching: 2,
  detaching: 2,
  ready: 3,
}

let byName: Intl.Collator | undefined

/** Sorts volumes by {@link STATE_RANK}, held ones by the end of their hold, then by name: volume-9 before volume-10. */
export function byUrgency(volumes: readonly VolumeStatus[]): VolumeStatus[] {
  // Created once, on first use, because creating it is slow.
  byName ??= new Intl.Collator('en', { numeric: true })
  const { compare } = byName
  const deadline = ({ state, hold }: VolumeStatus) =>
    state === 'holding' && hold.deadline !== null ? Date.parse(hold.deadline) : Number.MAX_SAFE_INTEGER
  return volumes.toSorted(
    (a, b) =>
      STATE_RANK[a.state] - STATE_RANK[b.state] || deadline(a) - deadline(b) || compare(a.name, b.name),
  )
}

/** Whether I/O would fail earlier in an outage than the user asked for. */
export function isHoldShort({ wanted, effective }: VolumeStatus['hold']): boolean {
  if (effective === 'forever') return false
  return wanted === 'forever' || effective < wanted
}
