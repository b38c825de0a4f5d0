import { readHistory, recordedNow } from '../../state/records/history.ts'
import type { HistoryEvent, RecordedMoment } from '../../model/history.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

/** Shorter steps are normal when time synchronisation starts. */
const STEP_S = 60
const DAY_MS = 24 * 3_600_000

export const clockStepped: NodeCheck = {
  name: 'the clock',
  node: ({ host }) => judgeClock(readHistory(host, { event: 'clock-stepped' }).events, recordedNow(host)),
}

/** Considers this boot and the last day, by the monotonic clock. */
export function judgeClock(history: readonly HistoryEvent[], now: RecordedMoment): Finding[] {
  const steps = history.flatMap((event) =>
    event.event === 'clock-stepped' &&
    event.boot === now.boot &&
    now.ms - event.ms < DAY_MS &&
    Math.abs(event.seconds) >= STEP_S
      ? [{ at: event.at, seconds: event.seconds }]
      : [],
  )
  const [last] = steps.toReversed()
  if (!last) return []
  const { seconds } = last
  return [
    {
      code: 'CLOCK_STEPPED',
      severity: 'info',
      subject: 'clock',
      message: `the wall clock was set ${Math.abs(seconds)} s ${seconds < 0 ? 'back' : 'forward'} at ${last.at}, or the machine was suspended${steps.length > 1 ? `; ${steps.length} times in a day` : ''}. Holds are measured by another clock; times in logs are not consistent`,
      evidence: { steps },
      fix: 'Check the time synchronisation: timedatectl status. In a virtual machine: whether it was suspended or moved.',
    },
  ]
}
