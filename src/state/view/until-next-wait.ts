/**
 * Reads the kernel's state once for all that happens without waiting: each of several steps in a row looks before it acts, and
 * what acts (a worker, a program) is waited for. Once this process has waited for anything, the state is read again.
 */
export function untilNextWait<T>(read: () => T): () => T {
  let kept: { readonly state: T } | null = null
  return () => {
    if (kept === null) {
      kept = { state: read() }
      // Runs once everything that is ready now has run, before the event loop waits for or takes up anything else.
      setImmediate(() => (kept = null))
    }
    return kept.state
  }
}
