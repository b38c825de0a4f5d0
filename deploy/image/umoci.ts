import { join } from 'node:path'

import { fetchPackages } from '../../lab/debian/fetch.ts'
import { program } from '../../lab/debian/program.ts'
import { unpack } from '../../lab/debian/unpack.ts'
import { DEBIAN } from './packages.ts'

/** umoci makes OCI images of directories: no daemon, no root. From Debian, run from where it is unpacked. */
export async function bringUmoci(work: string): Promise<(...args: string[]) => Promise<string>> {
  const root = join(work, 'umoci')
  const archives = await fetchPackages(DEBIAN, ['umoci'], join(work, 'umoci-apt'))
  await unpack(
    archives.filter((archive) => /\/umoci_/.test(archive)),
    root,
  )
  return (...args) => program([join(root, 'usr/bin/umoci'), ...args])
}
