import { LunkeeperError } from '../../model/errors.ts'

/**
 * How long a proof is valid. It is requested immediately before the act; the limit is for a process that was stopped in
 * between (SIGSTOP, a suspended machine, a paused virtual machine).
 */
export const PROOF_LIFETIME_MS = 5_000

/**
 * Evidence that writes to certain block devices currently reach the right volume, or nothing at all.
 *
 * Every function of `host` that can cause a write to a volume takes one and checks it, so no such act compiles without
 * it. Only `src/state/proof` may create one: lint forbids this file everywhere else, where the type is imported from
 * `proof.ts`.
 */
export class WriteProof {
  readonly #devnos: ReadonlySet<string>
  readonly #issuedAtMs: number

  /** @param devnos the block devices that it covers (`8:16`): the disks that were asked, and the map over them */
  constructor(devnos: Iterable<string>) {
    this.#devnos = new Set(devnos)
    this.#issuedAtMs = performance.now()
  }

  /**
   * @param devno the device that is about to be written to
   * @throws PROOF_EXPIRED the proof covers other devices, or is too old: nothing was done
   */
  require(devno: string): void {
    if (!this.#devnos.has(devno))
      throw new LunkeeperError('PROOF_EXPIRED', `the identity of the device ${devno} was not checked`)
    if (performance.now() - this.#issuedAtMs > PROOF_LIFETIME_MS)
      throw new LunkeeperError(
        'PROOF_EXPIRED',
        'the identity of the volume was checked too long ago to write to it',
      )
  }
}
