const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

const STEPS = [
  SECOND,
  2 * SECOND,
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  30 * DAY,
  90 * DAY,
  365 * DAY,
]
const MOST_TICKS = 8

/** Round times between two. */
export function ticksOf(from: number, to: number, dated: boolean): number[] {
  const step = stepOf(from, to)
  const ticks: number[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length <= MOST_TICKS; at += step)
    if (dated || at >= 0) ticks.push(at)
  return ticks
}

/** As much of a time as is needed to tell the ticks apart. */
export function axisLabel(at: number, from: number, to: number, dated: boolean): string {
  const step = stepOf(from, to)
  if (!dated) return `${Math.round(at / SECOND)} s`
  const iso = new Date(at).toISOString()
  if (step >= DAY) return iso.slice(0, 10)
  return step >= MINUTE ? iso.slice(11, 16) : iso.slice(11, 19)
}

function stepOf(from: number, to: number): number {
  return (
    STEPS.find((step) => (to - from) / step <= MOST_TICKS) ??
    Math.max(STEPS.at(-1)!, (to - from) / MOST_TICKS)
  )
}
