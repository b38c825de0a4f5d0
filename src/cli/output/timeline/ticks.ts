const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const STEPS_MS = [
  SECOND_MS,
  2 * SECOND_MS,
  5 * SECOND_MS,
  10 * SECOND_MS,
  15 * SECOND_MS,
  30 * SECOND_MS,
  MINUTE_MS,
  2 * MINUTE_MS,
  5 * MINUTE_MS,
  10 * MINUTE_MS,
  15 * MINUTE_MS,
  30 * MINUTE_MS,
  HOUR_MS,
  2 * HOUR_MS,
  3 * HOUR_MS,
  6 * HOUR_MS,
  12 * HOUR_MS,
  DAY_MS,
  2 * DAY_MS,
  7 * DAY_MS,
  30 * DAY_MS,
  90 * DAY_MS,
  365 * DAY_MS,
]
const MAX_TICKS = 8

/** Round times between two times, for the axis. */
export function ticksOf(from: number, to: number, dated: boolean): number[] {
  const step = stepOf(from, to)
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length <= MAX_TICKS; at += step)
    if (dated || at >= 0) ticks.push(at)
  return ticks
}

/** The label of a tick: as much of the time as is needed to distinguish the ticks. */
export function axisLabel(at: number, from: number, to: number, dated: boolean): string {
  const step = stepOf(from, to)
  if (!dated) return `${Math.round(at / SECOND_MS)} s`
  const iso = new Date(at).toISOString()
  if (step >= DAY_MS) return iso.slice(0, 10)
  return step >= MINUTE_MS ? iso.slice(11, 16) : iso.slice(11, 19)
}

function stepOf(from: number, to: number): number {
  return (
    STEPS_MS.find((step) => (to - from) / step <= MAX_TICKS) ??
    Math.max(STEPS_MS.at(-1)!, (to - from) / MAX_TICKS)
  )
}
