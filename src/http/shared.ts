/** Every program that is asked has a shorter deadline; what takes longer is not coming back. */
const STUCK_MS = 60_000

/**
 * One computation for all who ask while it goes on, and for those who ask within `age` of its start: many scrapers cost as
 * much as one. A failure is told to those who wait for it, and not kept.
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
