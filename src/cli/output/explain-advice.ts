import type { Cause, Outage, SessionOutages } from '../../explain/report.ts'
import { DEFAULT_HOLD, longerHold } from '../../model/hold.ts'
import { formatHold } from '../../model/hold-text.ts'
import type { Display } from './display.ts'
import { wrap } from './wrap.ts'

/** The hold that would have prevented the damage, if a hold is the remedy. */
export function adviceText(
  sessions: readonly SessionOutages[],
  causes: readonly Cause[],
  display: Display,
): string {
  const outages = sessions.flatMap(({ outages }) => outages)
  const harmful = outages.filter(({ survived }) => !survived)
  const preventable = harmful.filter(({ failedBy }) => failedBy === 'timer' || failedBy === 'multipathd')
  if (harmful.length > 0 && preventable.length === 0)
    return paragraph(
      'The failures were not caused by an expired timer: a longer hold alone would not have prevented them.',
      display,
    )
  const relevant = preventable.length > 0 ? preventable : withKnownEnd(outages)
  const longest = relevant.toSorted((a, b) => needed(b) - needed(a))[0]!
  const { holdSeconds, known } = longest.prevention
  const isEndUnknown = relevant.some(({ prevention }) => !prevention.known)
  if (holdSeconds === null) return paragraph('The log does not show how long the outages were.', display)
  const hold =
    known && !isEndUnknown ? `a hold of at least ${holdSeconds} s` : `a hold longer than ${holdSeconds} s`
  const hasOtherDamage = causes.some(({ ioErrors, fileSystems }) => ioErrors > 0 || fileSystems.length > 0)
  const conclusion =
    harmful.length === 0
      ? `${hasOtherDamage ? 'No outage caused damage' : 'Nothing failed'}. To survive an outage of the same length: ${hold}.`
      : `What would have prevented it: ${hold}.`
  const next = isEndUnknown
    ? ' Not every return is in the log: use the real length of the outage, plus a margin.'
    : ''
  const limits = hasOtherDamage ? ' No hold would have prevented what the other causes broke.' : ''
  return paragraph(
    `${display.paint('bold', conclusion)}${limits}${next} ${withLunkeeper(holdSeconds, isEndUnknown)}`,
    display,
  )
}

/** A hold is never shortened to the length of one outage: the default is kept if it suffices. */
function withLunkeeper(seconds: number, isLonger: boolean): string {
  const isDefault = longerHold(seconds, DEFAULT_HOLD) === DEFAULT_HOLD
  if (!isDefault) return `With Lunkeeper: lunkeeper hold NAME --set ${isLonger ? 'TIME' : `${seconds}s`}`
  const hold = `Lunkeeper's default hold of ${formatHold(DEFAULT_HOLD)}`
  return isLonger ? `${hold} suffices if it is longer than that.` : `${hold} suffices.`
}

/** Prefers outages that ended with a recovery: a reboot or a logout does not show how long the target was away. */
function withKnownEnd(outages: readonly Outage[]): readonly Outage[] {
  const ended = outages.filter(({ ended }) => ended === 'back' || ended === 'unseen' || ended === null)
  return ended.length > 0 ? ended : outages
}

function needed({ prevention }: Outage): number {
  return prevention.holdSeconds ?? -1
}

function paragraph(text: string, display: Display): string {
  return wrap(text, display.width)
    .map((line) => `${line}\n`)
    .join('')
}
