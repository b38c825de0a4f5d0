import type { Outage, Prevention } from '../report.ts'

/**
 * The next outage may be a little longer: a tenth is added, and at least the 10 s that it takes to detect a dead
 * target.
 */
const MARGIN = { share: 0.1, minSeconds: 10 }

/**
 * The hold that would have survived an outage: its length plus a margin. If the log does not show the end, a lower
 * bound.
 */
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
          ? 'a longer timer does not help: commands were interrupted more often than the kernel retries them; a hold map (lunkeeper attach --hold-mode map) retries them'
          : 'a longer timer does not help: SCSI error handling took the device offline; a hold map (lunkeeper attach --hold-mode map) retries the commands',
    }
  if (seconds !== null) {
    const holdSeconds = Math.ceil(seconds + Math.max(MARGIN.minSeconds, seconds * MARGIN.share))
    const words = survived
      ? `nothing failed; a hold of at least ${holdSeconds} s survives an outage of the same length`
      : `a hold of at least ${holdSeconds} s`
    return { holdSeconds, known: true, words }
  }
  // One message alone shows that the session was lost, but not for how long.
  const holdSeconds = awayAtLeast === 0 ? null : awayAtLeast
  if (survived && ended !== null && ended !== 'unseen')
    return {
      holdSeconds,
      known: false,
      words: `nothing failed as far as the log shows; ${ENDED[ended]} ended it`,
    }
  if (holdSeconds === null)
    return {
      holdSeconds,
      known: false,
      words: survived
        ? 'nothing failed as far as the log shows, and it does not show how long the outage was'
        : 'a hold longer than the outage; the log does not show how long that was',
    }
  const bound = `a hold longer than ${holdSeconds} s`
  const words = survived
    ? `nothing failed as far as the log shows; ${bound} is needed if it continues`
    : `${bound}; the log does not show when the target came back`
  return { holdSeconds, known: false, words }
}

/** What ended the outage, for the text. */
const ENDED = { back: 'the return', logout: 'a logout', login: 'a new login', reboot: 'a reboot' } as const
