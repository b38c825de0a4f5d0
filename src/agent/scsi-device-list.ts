import type { Host } from '../host/host.ts'
import { listNames } from '../host/read/attribute.ts'

/** The list of SCSI devices: one directory shows that a disk was deleted, without reading the state of each disk. */
export class ScsiDeviceList {
  readonly #directory: string
  #names = ''

  constructor({ paths }: Host) {
    this.#directory = `${paths.sys}/class/scsi_device`
  }

  /** Whether the list differs from the last time it was asked for. */
  changed(): boolean {
    const names = listNames(this.#directory).join(' ')
    const changed = names !== this.#names
    this.#names = names
    return changed
  }
}
