import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { fetchPackages } from '../../lab/debian/fetch.ts'
import { program } from '../../lab/debian/program.ts'
import { unpack } from '../../lab/debian/unpack.ts'
import type { Architecture } from '../release/architecture.ts'
import { DEBIAN, LEFT, PACKAGES } from './packages.ts'

/** Mount points of a container runtime, and what programs expect. */
const PLACES = [
  'dev',
  'proc',
  'sys',
  'run',
  'tmp',
  'root',
  'etc',
  'host',
  'usr/local/bin',
  'usr/local/sbin',
  'var/tmp',
]

/** A small Debian with Node: what `FROM node:24-bookworm-slim` is to the Dockerfile. No script of a package is run. */
export async function makeBase(
  root: string,
  work: string,
  node: string,
  architecture: Architecture,
): Promise<void> {
  const archives = await fetchPackages(DEBIAN, PACKAGES, join(work, 'base'), architecture)
  await unpack(archives, root, LEFT)
  for (const place of PLACES) await mkdir(join(root, place), { recursive: true })
  await program(['chmod', '1777', join(root, 'tmp'), join(root, 'var/tmp')])
  await copyFile(join(root, 'usr/share/base-passwd/passwd.master'), join(root, 'etc/passwd'))
  await copyFile(join(root, 'usr/share/base-passwd/group.master'), join(root, 'etc/group'))
  await writeFile(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
  await listPackages(archives, root)
  await copyFile(node, join(root, 'usr/local/bin/node'))
  await symlink('node', join(root, 'usr/local/bin/nodejs'))
  await copyFile(join(node, '../../LICENSE'), join(root, 'usr/local/LICENSE'))
}

/** For scanners of images, which find out here what is in it. */
async function listPackages(archives: readonly string[], root: string): Promise<void> {
  const directory = join(root, 'var/lib/dpkg/status.d')
  await mkdir(directory, { recursive: true })
  for (const archive of archives) {
    const control = await program(['dpkg-deb', '--field', archive])
    await writeFile(join(directory, basename(archive).split('_')[0]!), control)
  }
}

/** Of the Node that is brought, as its own headers say it. */
export async function versionOf(node: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(node, '../../package.json'), 'utf8')) as {
    version: string
  }
  return version
}
