import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import { callFailed } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'

const DEADLINE_MS = 30_000
const MIB = 1 << 20
/** blkid(8): no signature; but also, without any message (seen with 2.38), a device that cannot be opened or read. */
const NOTHING_FOUND = 2
/** blkid(8): more than one format was detected. */
const SEVERAL_FORMATS = 8

/** What the signatures on a device say about its contents. */
export interface Content {
  /** A file system or other format (ext4, LVM2_member, crypto_LUKS, …), or a partition table (`gpt`, `dos`). */
  readonly type: string | null
  readonly uuid: string | null
}

/**
 * Looks for signatures on the device itself, not in a cache. If `type` is null, libblkid found none that it knows; the
 * device is not necessarily blank ({@link isBlank}).
 * @param deadline milliseconds
 * @throws MOUNT_FAILED the device cannot be read, or has signatures of several formats
 */
export async function probeContent(host: Host, device: string, deadline = DEADLINE_MS): Promise<Content> {
  const path = deviceNode(host, device)
  const ran = await host.run('blkid', ['-p', '-o', 'export', path], { deadline })
  if (ran.code === NOTHING_FOUND && ran.stdout === '') {
    await refuseUnreadable(host, path, deadline)
    return { type: null, uuid: null }
  }
  if (ran.code === SEVERAL_FORMATS)
    throw new LunkeeperError('MOUNT_FAILED', `${path}: its contents are ambiguous: ${failureReason(ran)}`, {
      hint: 'It has signatures of several formats. List them with wipefs, which only reads.',
    })
  if (ran.code !== 0)
    throw new LunkeeperError('MOUNT_FAILED', `${path}: its contents cannot be read: ${failureReason(ran)}`)
  const found = new Map(ran.stdout.split('\n').map((line) => line.split(/=(.*)/s) as [string, string]))
  return { type: found.get('TYPE') ?? found.get('PTTYPE') ?? null, uuid: found.get('UUID') ?? null }
}

/** Any sector: blkid has read them all, or none. */
const SECTOR_BYTES = 512

/** @throws MOUNT_FAILED the device cannot be read · STUCK */
async function refuseUnreadable(host: Host, path: string, deadline: number): Promise<void> {
  const args = { path, offset: 0, length: SECTOR_BYTES }
  await host.workers
    .use(null, (worker) => worker.call('readBlock', args, deadline))
    .catch(callFailed('MOUNT_FAILED', `${path}: its contents cannot be read`))
}

/**
 * Whether the device is blank: no signature, and zeros in its first and last MiB. A failed read never counts as blank.
 * @throws NOT_BLANK a part of it cannot be read · MOUNT_FAILED STUCK
 */
export async function isBlank(host: Host, device: string, size: number): Promise<boolean> {
  if (size <= 0) return false
  if ((await probeContent(host, device)).type !== null) return false
  const args = { path: deviceNode(host, device), bytes: MIB, size }
  return host.workers
    .use(null, (worker) => worker.call('zeros', args, DEADLINE_MS))
    .catch(callFailed('NOT_BLANK', `${device} cannot be read, so it is not proven blank`))
}
