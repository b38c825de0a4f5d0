import { LunkeeperError } from '../../model/errors.ts'
import { sinceBootMs } from '../clock.ts'

/**
 * How long a proof is valid. It is requested immediately before the act; the limit is for a process that was
 * stopped in between (SIGSTOP, a suspended machine).
 */
export const PROOF_LIFETIME_MS = 5_000

/**
 * The longest time from the first question of a proof to the act. A process that was stopped between the answers
 * and the proof must not use them. Each path has 20 s to answer, and a silent path must not invalidate the answers
 * of the others.
 */
export const PROOF_LONGEST_MS = 60_000

/**
 * Evidence that writes to certain block devices currently reach the right volume, or nothing at all.
 *
 * Every function of `host` that can cause a write to a volume takes one and checks it, so no such act compiles without
 * it. Only `src/state/proof` may create one: lint forbids this file everywhere else, where the type is imported from
 * `proof.ts`.
 */
export class WriteProof {
  readonly #devnos: ReadonlySet<string>
  readonly #askedAtMs: number
  readonly #issuedAtMs = sinceBootMs()
  readonly #isOutdated: () => boolean

  /**
   * @param devnos the block devices that it covers (`8:16`): the disks that were asked, and the map over them
   * @param askedAtMs when the first of them was asked, by {@link sinceBootMs}
   * @param isOutdated whether a session has reconnected since: over the new connection another volume may answer
   */
  constructor(devnos: Iterable<string>, askedAtMs: number, isOutdated: () => boolean) {
    this.#devnos = new Set(devnos)
    this.#askedAtMs = askedAtMs
    this.#isOutdated = isOutdated
  }

  /**
   * @param devno the device that is about to be written to
   * @throws PROOF_EXPIRED the proof covers other devices, is too old, or a session has reconnected: nothing was done
   */
  require(devno: string): void {
    if (!this.#devnos.has(devno))
      throw new LunkeeperError('PROOF_EXPIRED', `the identity of the device ${devno} was not checked`)
    const nowMs = sinceBootMs()
    if (nowMs - this.#issuedAtMs > PROOF_LIFETIME_MS || nowMs - this.#askedAtMs > PROOF_LONGEST_MS)
      throw new LunkeeperError(
        'PROOF_EXPIRED',
        'the identity of the volume was checked too long ago to write to it',
      )
    if (this.#isOutdated())
      throw new LunkeeperError(
        'PROOF_EXPIRED',
        'a session has reconnected since the identity of the volume was checked',
      )
  }
}
