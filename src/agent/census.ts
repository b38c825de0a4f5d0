import type { Host } from '../host/host.ts'
import { listNames } from '../host/read/attribute.ts'

/**
 * Which SCSI devices there are: one directory, however many they are. Tells of a disk that somebody deleted
 * without asking each for its state.
 */
export class Census {
  readonly #directory: string
  #names = ''

  constructor({ paths }: Host) {
    this.#directory = `${paths.sys}/class/scsi_device`
  }

  /** Whether it is another than when it was last asked. */
  changed(): boolean {
    const names = listNames(this.#directory).join(' ')
    const changed = names !== this.#names
    this.#names = names
    return changed
  }
}
