import type { Observer } from '../../volumes/step.ts'

/** Several observers as one, called in order. */
export function observers(all: readonly Observer[]): Observer {
  return {
    async begin(...step) {
      for (const one of all) await one.begin?.(...step)
    },
    async end(...step) {
      for (const one of all) await one.end?.(...step)
    },
    warn(...warning) {
      for (const one of all) one.warn?.(...warning)
    },
  }
}
