import { LunkeeperError } from '../../model/errors.ts'
import { Recent } from '../../model/recent.ts'
import type { Adverse } from './condition.ts'

/** More volumes than a node has. A volume that was discarded is reported as unknown. */
const MAX_VOLUMES = 500

/** Errors that say nothing about the volume. */
const UNRELATED = new Set<string>(['CANCELLED', 'LOCKED', 'INTERNAL'])

/**
 * Why the last attempt to stage each volume failed. After a failure the node may have nothing left of the volume,
 * but its health can be requested. Kept in memory only: after a restart of the agent, the next attempt records the
 * reason again.
 */
export class Failures {
  readonly #last = new Recent<string, Adverse>(MAX_VOLUMES)

  record(volumeId: string, error: unknown): void {
    if (!(error instanceof LunkeeperError) || UNRELATED.has(error.code)) return
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
