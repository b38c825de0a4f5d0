import type { Outage, Prevention } from '../report.ts'

/** The next outage may be a little longer: a tenth, and never less than the 10 s in which silence is noticed. */
const MARGIN = { share: 0.1, least: 10 }

/** What hold rides out an outage: a measured one with a margin; of one that was not seen to end, a bound. */
export function preventionOf(
  outage: Pick<Outage, 'seconds' | 'awayAtLeast' | 'survived' | 'ended' | 'failedBy'>,
): Prevention {
  const { seconds, awayAtLeast, survived, ended, failedBy } = outage
  if (failedBy === 'error handling' || failedBy === 'retries')
    return {
      holdSeconds: null,
      known: false,
      words:
        failedBy === 'retries'
          ? 'not by a longer timer: commands were cut off more often than they are retried; a hold map (lunkeeper attach --hold-mode map) repeats them'
          : 'not by a longer timer: SCSI error handling took the device offline; a hold map (lunkeeper attach --hold-mode map) repeats commands',
    }
  if (seconds !== null) {
    const holdSeconds = Math.ceil(seconds + Math.max(MARGIN.least, seconds * MARGIN.share))
    const words = survived
      ? `nothing failed; a hold of at least ${holdSeconds} s rides out the same again`
      : `a hold of at least ${holdSeconds} s`
    return { holdSeconds, known: true, words }
  }
  if (awayAtLeast === null)
    return {
      holdSeconds: null,
      known: false,
      words: survived
        ? 'nothing failed as far as the log goes, and it does not say how long the outage was'
        : 'a hold longer than the outage; the log does not say how long that was',
    }
  const bound = `a hold longer than ${awayAtLeast} s`
  if (survived && ended !== null && ended !== 'unseen')
    return {
      holdSeconds: awayAtLeast,
      known: false,
      words: `nothing failed as far as the log goes; ${ENDED[ended]} ended it`,
    }
  const words = survived
    ? `nothing failed as far as the log goes; ${bound} is needed if it goes on`
    : `${bound}; the log does not show when the target came back`
  return { holdSeconds: awayAtLeast, known: false, words }
}

const ENDED = { back: 'the return', logout: 'a logout', login: 'a new login', reboot: 'a reboot' } as const
