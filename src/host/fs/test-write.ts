import { HandError } from '../hand/hand.ts'
import type { Host } from '../host.ts'

const DEADLINE = 15_000

/**
 * Whether a file system takes writes: it is asked for a file without a name (O_TMPFILE), which starts a
 * transaction and leaves nothing. An ext4 whose journal was aborted and an xfs that was shut down refuse
 * at once, also where the mount table still says rw.
 * @returns why not; null where it does
 * @throws STUCK
 */
export async function testWrite(host: Host, point: string): Promise<string | null> {
  try {
    return await host.hands.use(null, (hand) => hand.call('testWrite', { path: point }, DEADLINE))
  } catch (error) {
    if (error instanceof HandError) return error.message
    throw error
  }
}
