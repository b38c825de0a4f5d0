import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Debian } from './packages.ts'
import { program } from './program.ts'
import { sourcesFor } from './sources.ts'

/**
 * Downloads packages with all their dependencies into `dir`, using a separate apt: it reads only the machine's
 * package sources, keys and configuration, writes nothing outside `dir`, and does not need root.
 *
 * @param architecture of the packages, in Debian's terms
 * @returns the paths of the .deb files
 */
export async function fetchPackages(
  debian: Debian,
  names: readonly string[],
  dir: string,
  architecture = 'amd64',
): Promise<string[]> {
  const archives = join(dir, 'cache', 'archives')
  await mkdir(join(archives, 'partial'), { recursive: true })
  await mkdir(join(dir, 'lists', 'partial'), { recursive: true })
  await mkdir(join(dir, 'sources'))
  const { lines, stanzas } = await sourcesFor(debian)
  await writeFile(join(dir, 'sources', 'machine.list'), lines)
  await writeFile(join(dir, 'sources', 'machine.sources'), stanzas)
  // with an empty status file nothing counts as installed, so apt fetches every dependency
  await writeFile(join(dir, 'status'), '')
  const apt = (...args: string[]): Promise<string> =>
    program([
      'apt-get',
      '-y',
      '-q',
      '-o',
      'Dir::Etc::sourcelist=/dev/null',
      '-o',
      `Dir::Etc::sourceparts=${join(dir, 'sources')}`,
      '-o',
      `Dir::State=${dir}`,
      '-o',
      `Dir::State::lists=${join(dir, 'lists')}`,
      '-o',
      `Dir::State::status=${join(dir, 'status')}`,
      '-o',
      `Dir::Cache=${join(dir, 'cache')}`,
      '-o',
      `APT::Architecture=${architecture}`,
      // not the other architectures of this machine
      '-o',
      `APT::Architectures=${architecture}`,
      '-o',
      'APT::Install-Recommends=false',
      '-o',
      'APT::Sandbox::User=',
      '-o',
      'APT::Update::Error-Mode=any',
      '-o',
      'Acquire::Languages=none',
      '-o',
      'Acquire::Retries=3',
      '-o',
      'Debug::NoLocking=1',
      '-o',
      'APT::Keep-Downloaded-Packages=true',
      ...args,
    ])
  await apt('update')
  await apt('install', '--download-only', ...names)
  return (await readdir(archives))
    .filter((name) => name.endsWith('.deb'))
    .toSorted()
    .map((name) => join(archives, name))
}
