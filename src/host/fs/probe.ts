import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import { HandError } from '../hand/hand.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

const DEADLINE = 30_000
const MIB = 1 << 20

/** What stands on a device, as far as its signatures tell. */
export interface Content {
  /** File system or other format (ext4, LVM2_member, crypto_LUKS, …); a partition table as `gpt`, `dos`. */
  readonly type: string | null
  readonly uuid: string | null
}

/**
 * Reads the device itself, not a cache. `type` null means: no signature known to libblkid, which is far
 * from blank.
 * @throws MOUNT_FAILED the device does not say, or says two things at once
 */
export async function probeContent(host: Host, device: string, deadline = DEADLINE): Promise<Content> {
  const path = deviceNode(host, device)
  const ran = await host.run('blkid', ['-p', '-o', 'export', path], { deadline })
  // blkid(8): 2 nothing found, 8 more than one format at once.
  if (ran.code === 2 && ran.stdout === '') return { type: null, uuid: null }
  if (ran.code !== 0)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `${path}: what is on it is not clear: ${complaint(ran)}`,
      ran.code === 8
        ? { hint: 'It has signatures of several formats. Look at it with wipefs (it only lists).' }
        : {},
    )
  const found = new Map(ran.stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]))
  return { type: found.get('TYPE') ?? found.get('PTTYPE') ?? null, uuid: found.get('UUID') ?? null }
}

/**
 * Whether nothing is on the device: no signature, and zeros in its first and last MiB. A failed read is
 * never taken for blank.
 * @throws IDENTITY_UNREADABLE it cannot be read · STUCK
 */
export async function isBlank(host: Host, device: string, size: number): Promise<boolean> {
  if (size <= 0) return false
  if ((await probeContent(host, device)).type !== null) return false
  try {
    return await host.hands.use(null, (hand) =>
      hand.call('zeros', { path: deviceNode(host, device), bytes: MIB, size }, DEADLINE),
    )
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    throw new LunkeeperError(
      'NOT_BLANK',
      `${device} cannot be read, so it is not proven blank: ${error.message}`,
      { cause: error },
    )
  }
}
