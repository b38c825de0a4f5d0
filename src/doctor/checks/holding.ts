import { readHoldNote } from '../../state/records/hold-note.ts'
import { limitText } from '../../model/hold-text.ts'
import type { VolumeCheck } from '../check.ts'

/** Below this fraction of the hold the finding is critical: a user must act now. */
const URGENT_FRACTION = 0.2

/** Whether less than that fraction is left. Times in milliseconds of the wall clock. */
export function isNearlyOver(since: string, deadline: string, now: number): boolean {
  const [from, to] = [Date.parse(since), Date.parse(deadline)]
  return to - now < (to - from) * URGENT_FRACTION
}

export const holding: VolumeCheck = {
  name: 'volumes in an outage',
  volume({ host }, { record, status: { name, state, hold } }) {
    if (state !== 'holding') return []
    const { since, deadline, mode } = hold
    const trouble = mode === 'map' ? (readHoldNote(host, record.name)?.trouble ?? null) : null
    const end = deadline === null ? ` ${limitText(hold.effective)}` : `, and fails at ${deadline}`
    return [
      {
        code: 'HOLDING',
        severity: since && deadline && isNearlyOver(since, deadline, Date.now()) ? 'critical' : 'warning',
        subject: name,
        message: `its target ${since ? `has been away since ${since}` : 'is away'}; I/O is held${end}${trouble ? `; ${trouble}` : ''}`,
        evidence: { mode, since, deadline, trouble },
        fix:
          mode === 'session'
            ? 'Bring the target back. During this outage the kernel does not allow a longer hold.'
            : `Bring the target back. lunkeeper hold ${name} --set 2h extends the hold; --give-up ends it.`,
      },
    ]
  },
}
