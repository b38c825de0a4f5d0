import type { Host } from '../host/host.ts'
import { listNames } from '../host/read/attribute.ts'

/** Which SCSI devices there are: one directory shows a disk that was deleted, without a read of each disk's state. */
export class ScsiDeviceList {
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
