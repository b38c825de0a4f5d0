import type { ExclusiveOpen } from '../../host/disk/exclusive-open.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { proveDevice, withProof } from '../../state/proof/prove.ts'
import type { Dismantling } from './dismantle.ts'
import { markUnconfirmed, clearUnconfirmed } from './write-out.ts'

/** Gigabytes may be dirty, and the target may be slow; a lost target is noticed within seconds. */
const FLUSH_DEADLINE_MS = 5 * 60_000
/** With force nothing must be confirmed; a flush that does not return soon will not return. */
const FORCED_FLUSH_DEADLINE_MS = 10_000

/** Errors after which nothing may be written here. */
const WRONG = ['IDENTITY_MISMATCH', 'OWNER_UNKNOWN'] as const
/** Errors that leave it unknown whether the data was written. */
const DOUBTS = [
  'FLUSH_FAILED',
  'STUCK',
  'TARGET_AWAY',
  'IDENTITY_UNREADABLE',
  'LUN_ABSENT',
  'PROOF_EXPIRED',
  ...WRONG,
] as const

/**
 * Makes the device confirm that everything is written to the volume, after checking its identity.
 * @throws FLUSH_FAILED IDENTITY_MISMATCH OWNER_UNKNOWN, unless forced: then it warns and continues
 */
export async function flushDevice(work: Dismantling, device: BlockRef, open: ExclusiveOpen): Promise<void> {
  const { host, steps, volume, force } = work
  try {
    await steps.step('flush', device.name, () =>
      withProof(
        () => proveDevice(host, volume, device),
        (proof) => open.flush(proof, force ? FORCED_FLUSH_DEADLINE_MS : FLUSH_DEADLINE_MS),
      ),
    )
    clearUnconfirmed(work, device.name)
  } catch (error) {
    if (!isLunkeeperError(error, ...DOUBTS)) throw error
    const message = `${device.name} did not confirm its data: ${error.message}`
    markUnconfirmed(work, device, error.code === 'FLUSH_FAILED' ? message : null)
    if (force) return steps.warn(message)
    if (isLunkeeperError(error, ...WRONG)) throw error
    throw new LunkeeperError('FLUSH_FAILED', message, { cause: error })
  }
}
