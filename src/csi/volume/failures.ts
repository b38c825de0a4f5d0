import { LunkeeperError } from '../../model/errors.ts'
import { Recent } from '../../model/recent.ts'
import type { Adverse } from './condition.ts'

/** More volumes than a node has; a forgotten one is reported as not known. */
const MOST_VOLUMES = 500

/** Errors that say nothing about the volume. */
const PASSING = new Set<string>(['CANCELLED', 'LOCKED', 'INTERNAL'])

/**
 * Why the last attempt to stage a volume failed: then nothing of it is left on the node, but its health may be
 * requested. Lost when the agent ends; the next attempt records it again.
 */
export class Failures {
  readonly #last = new Recent<string, Adverse>(MOST_VOLUMES)

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
