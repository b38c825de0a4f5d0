import type { Claim } from '../../host/disk/claim.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Dismantling } from './dismantle.ts'

/** Gigabytes may be dirty, and the target slow; a lost target is noticed within seconds. */
const DEADLINE = 5 * 60_000
/** With force nothing is owed any more; a flush that does not come back at once does not come back. */
const FORCED_DEADLINE = 10_000

/** @throws FLUSH_FAILED STUCK, unless forced: then it warns, and goes on */
export async function flushClaimed({ steps, force }: Dismantling, name: string, claim: Claim): Promise<void> {
  try {
    await steps.step('flush', name, () => claim.flush(force ? FORCED_DEADLINE : DEADLINE))
  } catch (error) {
    if (!isLunkeeperError(error, 'FLUSH_FAILED', 'STUCK')) throw error
    if (!force)
      throw new LunkeeperError('FLUSH_FAILED', `${name} did not confirm its data: ${error.message}`, {
        cause: error,
      })
    steps.warn(`${name} did not confirm its data: ${error.message}`)
  }
}
