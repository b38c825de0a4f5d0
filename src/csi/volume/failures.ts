import { LunkeeperError } from '../../model/errors.ts'
import { Recent } from '../../model/recent.ts'
import type { Adverse } from './condition.ts'

/** More volumes than a node has; who asks for one that was forgotten is told that it is not known. */
const MOST = 500

/** They say nothing of the volume. */
const PASSING = new Set<string>(['CANCELLED', 'LOCKED', 'INTERNAL'])

/**
 * Why the last try to stage a volume failed: nothing of it is left on the node then, and somebody may ask how it
 * fares. Gone with the agent; the next try says it again.
 */
export class Failures {
  readonly #last = new Recent<string, Adverse>(MOST)

  note(volumeId: string, error: unknown): void {
    if (!(error instanceof LunkeeperError) || PASSING.has(error.code)) return
    const kind = error.code === 'FS_DAMAGED' ? 'data-loss' : 'inaccessible'
    this.#last.set(volumeId, { kind, reason: inCamelCase(error.code), message: error.message })
  }

  forget(volumeId: string): void {
    this.#last.delete(volumeId)
  }

  of(volumeId: string): Adverse | null {
    return this.#last.get(volumeId) ?? null
  }
}

function inCamelCase(code: string): string {
  return code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
