import type { LabNode, Target } from '../index.ts'

export const IQN = { stock: 'iqn.2026-11.example:stock', lunkeeper: 'iqn.2026-11.example:lunkeeper' } as const
export type SideName = keyof typeof IQN

/** The address of the storage machine, in every drill. */
export const SAN = '10.9.0.1'

/** The files are sparse; mkfs.xfs refuses less than 300 MB. */
const BYTES = 512 << 20
const SERIAL = { stock: 'd1511', lunkeeper: 'd1512' } as const

/**
 * Serves one volume to each side.
 * @param dir where their files are; from `/lab/share` another machine can serve the same ones
 */
export async function serve(
  machine: LabNode,
  address: string,
  dir?: string,
): Promise<Record<SideName, Target>> {
  const one = async (side: SideName) => {
    const target = await machine.lio.target({ iqn: IQN[side], portals: [`${address}:3260`] })
    await target.map(0, {
      name: side,
      serial: SERIAL[side],
      bytes: BYTES,
      ...(dir === undefined ? {} : { dir }),
    })
    return target
  }
  const [stock, lunkeeper] = await Promise.all([one('stock'), one('lunkeeper')])
  return { stock, lunkeeper }
}

/** Makes the initiator notice silence sooner, as the drill is scaled: `node.conn[0].timeo.noop_out_*`, in seconds. */
export async function setPing(node: LabNode, seconds: number): Promise<void> {
  await node.sh(
    `sed -i -E 's/^(node.conn\\[0\\].timeo.noop_out_(interval|timeout)) = .*/\\1 = ${seconds}/' /etc/iscsi/iscsid.conf`,
  )
}
