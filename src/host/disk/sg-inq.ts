import { LunkeeperError } from '../../model/errors.ts'
import type { Identity } from '../../model/identity.ts'
import type { ScsiDisk } from '../../model/snapshot.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { serialOf, wwidOf } from '../read/vpd.ts'

/** The kernel's timeout for an INQUIRY (20 s), and time for the program to start. */
const DEADLINE_MS = 25_000

// With four of them every version prints bytes only. With fewer, sg3-utils 1.46 and 1.48 add offsets, text or explanations in
// different ways, and an offset looks like a byte.
const PLAIN_HEX = ['--hex', '--hex', '--hex', '--hex'] as const

/** Like {@link identify}, with sg_inq, for kernels without the sg driver. The size is the one that the kernel has cached. */
export async function identifyWithSgInq(host: Host, disk: ScsiDisk): Promise<Identity> {
  if (disk.name === null) throw new LunkeeperError('IDENTITY_UNREADABLE', 'the disk has no device node')
  const device = deviceNode(host, disk.name)
  const page = async (code: string) => {
    const ran = await host.run('sg_inq', [...PLAIN_HEX, '--page', code, device], { deadline: DEADLINE_MS })
    return ran.code === 0 ? bytesOf(ran.stdout) : null
  }
  try {
    const page83 = await page('0x83')
    const page80 = await page('0x80')
    if (!page83 && !page80)
      throw new LunkeeperError('IDENTITY_UNREADABLE', `${device}: the identity cannot be read`)
    return { wwid: page83 && wwidOf(page83), serial: page80 && serialOf(page80), bytes: disk.bytes }
  } catch (error) {
    if (error instanceof LunkeeperError && error.code === 'PROGRAM_MISSING')
      throw new LunkeeperError(
        'PROGRAM_MISSING',
        'the kernel module sg is not loaded, and sg_inq is not installed',
        {
          hint: 'modprobe sg, or apt-get install sg3-utils',
          cause: error,
        },
      )
    throw error
  }
}

/** The bytes of lines of hexadecimal bytes; null if the text contains anything else. */
function bytesOf(text: string): Buffer | null {
  const pairs = text.trim().split(/\s+/)
  const plain = pairs.length >= 4 && pairs.every((pair) => /^[0-9a-f]{2}$/i.test(pair))
  return plain ? Buffer.from(pairs.join(''), 'hex') : null
}
