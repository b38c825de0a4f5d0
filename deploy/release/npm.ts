import { chmod, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { program } from '../../lab/debian/program.ts'

const project = join(import.meta.dirname, '../..')

/** What `npm publish` would send: the built program with nothing to install beside it. @returns the archive */
export async function makeNpmPackage(out: string, work: string, licences: string): Promise<string> {
  const tree = join(work, 'npm')
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >
  await mkdir(tree, { recursive: true })
  for (const name of ['bin', 'dist', 'docs', 'LICENSE', 'README.md', 'CHANGELOG.md'])
    await cp(join(project, name), join(tree, name), { recursive: true })
  await mkdir(join(tree, 'deploy'))
  for (const unit of ['lunkeeper.service', 'lunkeeper-shutdown.service'])
    await cp(join(project, 'deploy', unit), join(tree, 'deploy', unit))
  await writeFile(join(tree, 'dist/THIRD-PARTY-LICENSES'), licences)
  // What only a checkout can do, or need.
  const { scripts: _scripts, devDependencies: _dependencies, ...published } = manifest
  await writeFile(join(tree, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  // Independent of the umask of the builder.
  await program(['chmod', '-R', 'u+rwX,go+rX,go-w', tree])
  await chmod(join(tree, 'bin/lunkeeper'), 0o755)
  const packed = await program(['npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', out], {
    cwd: tree,
  })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  return join(out, filename)
}
