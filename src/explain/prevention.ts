import type { Prevention } from './report.ts'

/** The next outage may be a little longer: a tenth, and never less than the 10 s in which silence is noticed. */
const MARGIN = { share: 0.1, least: 10 }

/** What hold rides out an outage: a measured one with a margin; of one that was not seen to end, a bound. */
export function preventionOf(
  seconds: number | null,
  awayAtLeast: number | null,
  survived: boolean,
): Prevention {
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
      words: 'a hold longer than the outage; the log has not its length',
    }
  const bound = `a hold longer than ${awayAtLeast} s`
  const words = survived
    ? `nothing failed as far as the log goes; ${bound} is needed if it goes on`
    : `${bound}; the log does not show when the target came back`
  return { holdSeconds: awayAtLeast, known: false, words }
}
