import { span } from '../words.ts'
import type { Numbers } from './numbers.ts'
import { REAL, type Plan } from './plan.ts'
import type { Drill } from './result.ts'

/** How the drill differs from a real outage. */
export function scaling({ scale, outage, timer, hold, ping }: Plan): string {
  if (scale === 1)
    return `True times: an outage of ${outage} s, a stock timer (replacement_timeout) of ${timer} s, a hold of ${hold} s.`
  return (
    `Scaled: the outage of ${outage} s stands for ${REAL.outage} s, the stock timer (replacement_timeout) of ${timer} s ` +
    `for ${REAL.timer} s, the hold of ${hold} s for ${REAL.hold} s. Both sides are pinged every ${ping} s instead of ` +
    `${REAL.ping} s, so silence is noticed within ${2 * ping} s. --true-time runs it unscaled.`
  )
}

/** What happened to a writer, as part of a sentence. */
export function fate({ firstErrorSeconds, goesOnAfterSeconds, longestPauseSeconds }: Numbers): string {
  const on = goesOnAfterSeconds === null ? null : `${span(goesOnAfterSeconds * 1000)} after the return`
  if (firstErrorSeconds === null)
    return on === null
      ? `no error, but still waiting at the end, for ${span(longestPauseSeconds * 1000)}`
      : `paused, and resumed automatically ${on}`
  const broken = `broken ${span(firstErrorSeconds * 1000)} into the outage`
  return on === null ? `${broken}, and still broken when the target was back` : `${broken}, resumed ${on}`
}

export function story({ plan, kernel, killed, back }: Drill): string {
  const where = plan.takeover === 'same' ? 'at its address' : 'at an address of its own'
  return (
    `Two writers on one node (Linux ${kernel}, ${plan.fs}), one volume each, from one storage machine. ` +
    `That machine is killed; ${span(back - killed)} later another one serves its disks, ${where}.`
  )
}
