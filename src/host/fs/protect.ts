import { LunkeeperError } from '../../model/errors.ts'
import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { readAttribute } from '../read/attribute.ts'

/** The kernel only notes it; nothing is asked of the target. */
const DEADLINE = 10_000

/**
 * Has the kernel refuse every write to a device. A mount option alone does not: mounting ext4 or xfs
 * with `ro` writes all the same where their journal has something left over.
 * @throws WRITE_PROTECTED it could not be done
 */
export async function protectFromWrites(host: Host, device: string): Promise<void> {
  const ran = await host.run('blockdev', ['--setro', deviceNode(host, device)], { deadline: DEADLINE })
  if (ran.code === 0) return
  throw new LunkeeperError('WRITE_PROTECTED', `${device} could not be made read-only: ${complaint(ran)}`)
}

/** Whether the kernel refuses writes to a device: the target said so, or somebody here. */
export function isProtected(host: Host, device: string): boolean {
  return readAttribute(`${host.paths.sys}/class/block/${device}/ro`) === '1'
}
