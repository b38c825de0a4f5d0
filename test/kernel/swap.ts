import type { LabNode, LunOptions, Target } from '../../lab/index.ts'

const BYTES = 64 << 20

type At = { readonly lun: number } & LunOptions

/** The volume of the node, at LUN 5. */
export const OURS: At = { lun: 5, serial: 'a11a0005', bytes: BYTES, name: 'ours' }
const STRANGER: At = { lun: 5, serial: 'b22b0005', bytes: BYTES, name: 'stranger' }

async function replace(target: Target, { lun, ...options }: At): Promise<string> {
  await target.unmap(lun, { keep: true })
  await target.map(lun, options)
  return target.hash(lun)
}

/** The array gives the LUN of `OURS` to another volume. @returns its hash. @param bytes of the other volume */
export const swap = (target: Target, bytes = BYTES): Promise<string> =>
  replace(target, { ...STRANGER, bytes })

/** The array gives the LUN back to `OURS`. */
export const putBack = (target: Target): Promise<string> => replace(target, OURS)

/** The kernel asks the only disk again, as `iscsiadm --rescan` and every re-login of iscsid 2.1.10 and newer do. */
export const rescan = (node: LabNode) => node.sh('echo 1 > /sys/block/sda/device/rescan')
