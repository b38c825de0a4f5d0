/** A state of the kernel that is read once for everything that happens without waiting. */
export interface KeptState<T> {
  readonly read: () => T
  /** Call this after an act: the next `read` reads again. */
  readonly forget: () => void
}

/**
 * Reads the kernel's state once for several consecutive steps that all look before they act. Once this process has
 * waited for anything, or has acted, the state is read again.
 */
export function untilNextWait<T>(read: () => T): KeptState<T> {
  let kept: { readonly state: T } | null = null
  return {
    read() {
      if (kept === null) {
        kept = { state: read() }
        setImmediate(() => (kept = null))
      }
      return kept.state
    },
    forget: () => void (kept = null),
  }
}
