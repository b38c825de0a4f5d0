import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import { WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

const DEADLINE_MS = 30_000
const MIB = 1 << 20

/** The contents of a device, as far as its signatures show. */
export interface Content {
  /** File system or other format (ext4, LVM2_member, crypto_LUKS, …); a partition table as `gpt`, `dos`. */
  readonly type: string | null
  readonly uuid: string | null
}

/**
 * Reads the device itself, not a cache. `type` null means that libblkid knows no signature on it, which does not mean
 * that it is blank.
 * @throws MOUNT_FAILED the device cannot be read, or has several signatures
 */
export async function probeContent(host: Host, device: string, deadline = DEADLINE_MS): Promise<Content> {
  const path = deviceNode(host, device)
  const ran = await host.run('blkid', ['-p', '-o', 'export', path], { deadline })
  // blkid(8): 2 nothing found, 8 more than one format at once.
  if (ran.code === 2 && ran.stdout === '') return { type: null, uuid: null }
  if (ran.code !== 0)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `${path}: its contents are ambiguous: ${failureReason(ran)}`,
      ran.code === 8
        ? { hint: 'It has signatures of several formats. List them with wipefs, which only reads.' }
        : {},
    )
  const found = new Map(ran.stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]))
  return { type: found.get('TYPE') ?? found.get('PTTYPE') ?? null, uuid: found.get('UUID') ?? null }
}

/**
 * Whether the device is blank: no signature, and zeros in its first and last MiB. A failed read never counts as blank.
 * @throws IDENTITY_UNREADABLE it cannot be read · STUCK
 */
export async function isBlank(host: Host, device: string, size: number): Promise<boolean> {
  if (size <= 0) return false
  if ((await probeContent(host, device)).type !== null) return false
  try {
    return await host.workers.use(null, (worker) =>
      worker.call('zeros', { path: deviceNode(host, device), bytes: MIB, size }, DEADLINE_MS),
    )
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    throw new LunkeeperError(
      'NOT_BLANK',
      `${device} cannot be read, so it is not proven blank: ${error.message}`,
      { cause: error },
    )
  }
}
