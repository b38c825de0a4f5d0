import { readHoldNote } from '../../state/records/hold-note.ts'
import type { VolumeCheck } from '../check.ts'

/** With less than this part of the hold left, somebody has to act now. */
const LITTLE = 0.2

/** Whether little is left of a hold, in milliseconds of the clock. */
export function isNearlyOver(since: string, deadline: string, now: number): boolean {
  const [from, to] = [Date.parse(since), Date.parse(deadline)]
  return to - now < (to - from) * LITTLE
}

export const holding: VolumeCheck = {
  name: 'whether it waits',
  volume({ host }, { record, status: { name, state, hold } }) {
    if (state !== 'holding') return []
    const { since, deadline, mode, effective } = hold
    const trouble = mode === 'map' ? (readHoldNote(host, record.name)?.trouble ?? null) : null
    const end =
      deadline !== null
        ? `fails at ${deadline}`
        : effective === 'forever'
          ? 'waits for ever'
          : `fails ${effective} s after the loss`
    return [
      {
        code: 'HOLDING',
        severity: since && deadline && isNearlyOver(since, deadline, Date.now()) ? 'critical' : 'warning',
        subject: name,
        message: `its target is away${since ? ` since ${since}` : ''}; I/O waits, and ${end}${trouble ? `; ${trouble}` : ''}`,
        evidence: { mode, since, deadline, trouble },
        fix:
          mode === 'session'
            ? 'Bring the target back. The kernel does not let this wait be made longer now.'
            : `Bring the target back; lunkeeper hold ${name} --set 2h waits longer, --give-up stops waiting.`,
      },
    ]
  },
}
