import { LunkeeperError } from '../../model/errors.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { readAttribute } from '../read/attribute.ts'

/** The kernel only sets a flag; the target is not accessed. */
const DEADLINE_MS = 10_000

/**
 * Makes the kernel reject every write to a device. A mount option is not enough: mounting an ext4 or xfs with `ro` still
 * writes if its journal has to be replayed.
 * @throws WRITE_PROTECTED the device could not be made read-only
 */
export async function protectFromWrites(host: Host, device: string): Promise<void> {
  const ran = await host.run('blockdev', ['--setro', deviceNode(host, device)], { deadline: DEADLINE_MS })
  if (ran.code === 0) return
  throw new LunkeeperError('WRITE_PROTECTED', `${device} could not be made read-only: ${failureReason(ran)}`)
}

/** Whether the kernel rejects writes to a device, because the target or this node has write-protected it. */
export function isProtected(host: Host, device: string): boolean {
  return readAttribute(`${host.paths.sys}/class/block/${device}/ro`) === '1'
}

/** @throws WRITE_PROTECTED the kernel rejects writes to the device */
export function refuseProtected(host: Host, device: string): void {
  if (!isProtected(host, device)) return
  throw new LunkeeperError('WRITE_PROTECTED', `${device} is write-protected`)
}
