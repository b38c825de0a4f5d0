/** All programs that a computation starts have shorter deadlines: one that takes longer will not finish. */
const STUCK_MS = 60_000

/**
 * Shares one result among all callers that ask while it is computed, and those that ask within `maxAgeMs` of the start:
 * many scrapers cost as much as one. A failure is reported to the callers that wait for it, and is not cached.
 */
export function shareResult<T>(compute: () => Promise<T>, maxAgeMs: number): () => Promise<T> {
  let last: { readonly at: number; readonly result: Promise<T>; ended: boolean } | null = null
  return () => {
    if (last && performance.now() - last.at < (last.ended ? maxAgeMs : STUCK_MS)) return last.result
    const current = { at: performance.now(), result: compute(), ended: false }
    last = current
    current.result.then(
      () => void (current.ended = true),
      () => void (last = last === current ? null : last),
    )
    return current.result
  }
}
