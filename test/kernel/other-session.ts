import type { LabNode, Target } from '../../lab/index.ts'

interface Login {
  /** @default '127.0.0.1' */
  readonly portal?: string
  /** How many disks the node has afterwards. */
  readonly disks: number
}

/** A session created by another program: with a disk for every LUN of the target. */
export async function loginByHand(
  node: LabNode,
  { iqn }: Pick<Target, 'iqn'>,
  { portal = '127.0.0.1', disks }: Login,
): Promise<void> {
  await node.sh(
    `iscsiadm -m node -o new -T ${iqn} -p ${portal} && iscsiadm -m node -T ${iqn} -p ${portal} -l`,
  )
  await node.until(async () => (await node.storage()).disks.length === disks, {
    deadline: 60_000,
    what: `${disks} disks`,
  })
  await node.sh('udevadm settle')
}

/** Ends that session and removes its record. */
export async function logoutByHand(
  node: LabNode,
  { iqn }: Pick<Target, 'iqn'>,
  portal = '127.0.0.1',
): Promise<void> {
  await node.sh(
    `iscsiadm -m node -T ${iqn} -p ${portal} -u; iscsiadm -m node -T ${iqn} -p ${portal} -o delete`,
  )
}
