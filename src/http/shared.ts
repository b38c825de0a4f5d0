/** Every program has a shorter deadline; whatever takes longer will not return. */
const STUCK_MS = 60_000

/**
 * Shares one computation among all callers that ask while it runs, and those that ask within `age` of its start: many
 * scrapers cost as much as one. A failure is reported to those that wait for it, and is not cached.
 * @param age milliseconds
 */
export function shared<T>(compute: () => Promise<T>, age: number): () => Promise<T> {
  let last: { readonly at: number; readonly result: Promise<T>; ended: boolean } | null = null
  return () => {
    if (last && performance.now() - last.at < (last.ended ? age : STUCK_MS)) return last.result
    const made = { at: performance.now(), result: compute(), ended: false }
    last = made
    made.result.then(
      () => void (made.ended = true),
      () => void (last = last === made ? null : last),
    )
    return made.result
  }
}
