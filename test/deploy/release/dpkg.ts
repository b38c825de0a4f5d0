import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { program } from '../../../lab/debian/program.ts'

/**
 * Makes dpkg consider packages installed in a root that was unpacked without dpkg: those that a package depends on,
 * in the versions that it requires. They exist; only their entries are missing.
 */
export async function statusFor(deb: string): Promise<string> {
  const depends = (await program(['dpkg-deb', '--field', deb, 'Depends'])).trim()
  return depends
    .split(', ')
    .map((dependency) => {
      const [, name, version = '1'] = /^(\S+)(?: \(>= (\S+)\))?$/.exec(dependency)!
      return `Package: ${name}\nStatus: install ok installed\nMaintainer: test\nArchitecture: amd64\nVersion: ${version}\nDescription: -\n`
    })
    .join('\n')
}

/** The same package as a later version; its contents are not compressed, because it is soon deleted. */
export async function laterVersion(deb: string, version: string, work: string): Promise<string> {
  const tree = join(work, 'later')
  const file = join(work, `lunkeeper_${version}_amd64.deb`)
  await mkdir(work, { recursive: true })
  await program(['dpkg-deb', '--raw-extract', deb, tree])
  const control = join(tree, 'DEBIAN/control')
  await writeFile(control, (await readFile(control, 'utf8')).replace(/^Version: .*$/m, `Version: ${version}`))
  await program(['dpkg-deb', '--root-owner-group', '-Znone', '--build', tree, file])
  await rm(tree, { recursive: true })
  return file
}
