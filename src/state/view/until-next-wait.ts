/** A state of the kernel that is read once for all that happens without waiting. */
export interface KeptState<T> {
  readonly read: () => T
  /** After an act: the next `read` reads again. */
  readonly forget: () => void
}

/**
 * Reads the kernel's state once for several steps in a row that all look before they act. Once this process has waited for anything,
 * or has acted, the state is read again.
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
