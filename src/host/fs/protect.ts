import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { readAttribute } from '../read/attribute.ts'

/** The kernel only records it; the target is not accessed. */
const DEADLINE_MS = 10_000

/**
 * Makes the kernel reject every write to a device. A mount option alone does not: mounting ext4 or xfs with `ro` still
 * writes if their journal has something to replay.
 * @throws WRITE_PROTECTED it could not be done
 */
export async function protectFromWrites(host: Host, device: string): Promise<void> {
  const ran = await host.run('blockdev', ['--setro', deviceNode(host, device)], { deadline: DEADLINE_MS })
  if (ran.code === 0) return
  throw new LunkeeperError('WRITE_PROTECTED', `${device} could not be made read-only: ${failureReason(ran)}`)
}

/** Whether the kernel rejects writes to a device, set by the target or on this node. */
export function isProtected(host: Host, device: string): boolean {
  return readAttribute(`${host.paths.sys}/class/block/${device}/ro`) === '1'
}

/** @throws WRITE_PROTECTED the kernel would not let this node write to a device */
export function refuseProtected(host: Host, device: string): void {
  if (!isProtected(host, device)) return
  throw new LunkeeperError('WRITE_PROTECTED', `${device} is write-protected`)
}
