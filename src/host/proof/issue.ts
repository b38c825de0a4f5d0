import { LunkeeperError } from '../../model/errors.ts'

/**
 * How long a proof counts, in milliseconds. It is asked for immediately before the act; the limit only catches a
 * process that was stopped in between (SIGSTOP, a suspended machine, a paused virtual machine).
 */
export const PROOF_LIFETIME_MS = 5_000

/**
 * Evidence that whatever is written to certain block devices now reaches the right volume, or nothing at all.
 *
 * Every function of `host` that can cause a write to a volume takes one and checks it, so no such act compiles
 * without having asked. Only `src/state/proof` may make one: lint refuses this file to all others, who import the
 * type from `proof.ts`.
 */
export class WriteProof {
  readonly #devnos: ReadonlySet<string>
  readonly #issuedAtMs: number

  /** @param devnos the block devices it speaks of (`8:16`): the disks that were asked, and the map over them */
  constructor(devnos: Iterable<string>) {
    this.#devnos = new Set(devnos)
    this.#issuedAtMs = performance.now()
  }

  /**
   * @param devno the device that is about to be written to
   * @throws PROOF_EXPIRED the proof speaks of other devices, or is too old: nothing was done
   */
  require(devno: string): void {
    if (!this.#devnos.has(devno))
      throw new LunkeeperError('PROOF_EXPIRED', `nobody asked which volume the device ${devno} is`)
    if (performance.now() - this.#issuedAtMs > PROOF_LIFETIME_MS)
      throw new LunkeeperError('PROOF_EXPIRED', 'the volume was identified too long ago to write to it')
  }
}
