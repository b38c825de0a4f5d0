import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'

import { beforeAll, describe, expect, it, test } from 'vitest'

import { COMMANDS } from '../../../src/cli/commands.ts'
import type { ErrorCode } from '../../../src/model/errors.ts'
import { ERRORS } from '../../../src/model/errors.ts'
import { temporary } from '../../unit/temporary.ts'
import type { Ran } from './clean-root.ts'
import { CleanRoot } from './clean-root.ts'
import { documented, EXAMPLES } from './documented.ts'
import { statusFor } from './dpkg.ts'
import { AGENTS, CLUSTER, INVOCATIONS } from './invocations.ts'
import type { Packed } from './packed.ts'
import { packed, project, version } from './packed.ts'

const field = (path: string) => readFileSync(join(project, 'test/field', path), 'utf8')

/** Files that the documentation's commands name, and programs from which or to which they are piped. */
const FIXTURES: Readonly<Record<string, string>> = {
  'root/n1.log': field('logs/01-bsd-syslog.log'),
  'root/n2.log': field('logs/02-bsd-syslog-survived.log'),
  'root/support-bundle/messages': field('logs/04-rfc5424.log'),
  'var/log/syslog': field('logs/02-bsd-syslog-survived.log'),
  'var/log/syslog.1': field('logs/01-bsd-syslog.log'),
  'root/old.yaml': field('manifests/01-two-nas-one-iqn.yaml'),
  'root/old-volume.yaml': field('manifests/01-two-nas-one-iqn.yaml'),
  'root/volume.yaml': 'portal: 192.0.2.1\niqn: iqn.2024-01.example:db\nlun: 0\n',
  'root/config.yaml': 'hold: 90s\n',
  'root/wrong.yaml': 'hold: soon\n',
  'etc/bash_completion.d/other': '',
}
const PROGRAMS: Readonly<Record<string, string>> = {
  journalctl: 'cat /root/n1.log',
  kubectl: 'cat /root/old.yaml',
  jq: 'cat',
  // fish's `source`, which reads its standard input.
  source: 'cat',
  // dpkg does not start without it.
  diff: ':',
}

/** Commands that cannot work in this root. */
const NEEDS_KERNEL =
  /^lunkeeper (attach --portal|attach -f|detach|expand|owner|hold (?!--all)|volumes [a-z]|history [a-z]|drill|explain( --json)?$)/
/** It runs until it is stopped; test/unit/cli/commands/top.test.ts tests it. */
const IS_STREAM = /^lunkeeper top --json/
/** They run until they are stopped. */
const IS_SERVICE = /^lunkeeper (agent|controller)/

let files: Packed
let root: CleanRoot

/** An agent is stopped once it is ready; if it never is, it runs until it is killed. */
const stopped = (command: string, index: string) =>
  `rm -f /run/said.${index}; mkfifo /run/said.${index}; ${command} 2>/run/said.${index} & pid=$!; while read -r line; do echo "$line" >&2; case $line in *ready:*) kill $pid;; esac; done </run/said.${index}; wait $pid`

function expectDocumentedEnd({ script, status, stderr, stdout }: Ran): void {
  expect(stdout + stderr, script).not.toMatch(/INTERNAL|\bat .*\(|Warning:/)
  if (status === 0) return
  const code = /^error\[([A-Z_]+)\]: /m.exec(stderr)?.[1]
  expect(Object.keys(ERRORS), `${script} ended with ${status}: ${stderr}`).toContain(code)
  expect({ script, status }).toEqual({ script, status: ERRORS[code as ErrorCode].exit })
  expect(stderr, script).toMatch(/^hint: \S/m)
}

beforeAll(async () => {
  files = await packed()
  root = await CleanRoot.open()
  for (const [path, content] of Object.entries(FIXTURES)) await root.write(path, content)
  await root.write('root/token', `${'a'.repeat(32)}\n`, 0o600)
  await root.write('root/chap', 'username = user\npassword = secretsecret\n', 0o600)
  for (const [name, script] of Object.entries(PROGRAMS))
    await root.write(`usr/bin/${name}`, `#!/bin/sh\n${script}\n`, 0o755)
  await root.write('var/lib/dpkg/status', await statusFor(files.deb))
  await root.write('var/lib/dpkg/updates/.keep', '')
  await root.write('var/lib/dpkg/info/.keep', '')
}, 600_000)

describe('the Debian package, in a Debian without Node and without the checkout', () => {
  beforeAll(async () => {
    const install = `rm /var/lib/dpkg/*/.keep; ! command -v node && dpkg -i /packed/lunkeeper_${version}_amd64.deb`
    const { status, stderr } = await root.run(install, { [files.directory]: '/packed' })
    if (status !== 0) throw new Error(stderr)
  }, 120_000)

  it('every example of the help and of the documentation ends as it is documented', async () => {
    const commands = [...new Set([...documented(), ...EXAMPLES].map(({ command }) => command))]
    expect(commands.length).toBeGreaterThan(40)
    const once = commands.filter((command) => !IS_SERVICE.test(command) && !IS_STREAM.test(command))
    const ran = await root.runAll(
      // This Debian has no jq: its input is checked instead.
      once.map(
        (command) =>
          `set -o pipefail; ${command.replace('| source', '| /usr/bin/source').replace(/ \| jq .*$/, '')}`,
      ),
    )
    for (const [index, one] of ran.entries()) {
      expectDocumentedEnd(one)
      expect(one.stderr, one.script).not.toContain('error[USAGE]')
      if (!NEEDS_KERNEL.test(once[index]!))
        expect(one, `${one.script}: ${one.stderr}`).toMatchObject({ status: 0 })
    }
    for (const command of commands.filter((command) => IS_SERVICE.test(command))) {
      const place = command.replace(/unix:\/\/.*\//, 'unix:///run/')
      const one = await root.run(stopped(place, '0'))
      expectDocumentedEnd(one)
      // The other one needs a cluster.
      if (command.startsWith('lunkeeper agent')) expect(one, one.stderr).toMatchObject({ status: 0 })
    }
  }, 300_000)

  it('every command and every flag ends as it is documented', async () => {
    const given = [...INVOCATIONS.map(({ args }) => args), ...AGENTS, ...CLUSTER]
    for (const { name, options } of COMMANDS)
      for (const option of options)
        expect(
          given.some((args) => args.startsWith(name) && args.split(' ').includes(`--${option.name}`)),
          `no invocation of ${name} has --${option.name}`,
        ).toBe(true)
    const help = COMMANDS.map(({ name }) => `lunkeeper ${name} --help`)
    const ran = await root.runAll([...INVOCATIONS.map(({ args }) => `lunkeeper ${args}`), ...help])
    for (const [index, one] of ran.entries()) {
      const { status, code } = INVOCATIONS[index] ?? { status: 0 }
      expect(one, `${one.script}: ${one.stderr}`).toMatchObject({ status })
      expect(one.stdout + one.stderr, one.script).not.toMatch(/INTERNAL|Warning:/)
      if (code !== undefined) expect(one.stderr, one.script).toContain(`error[${code}]`)
      if (one.script.includes('--json') && !one.script.includes('completion'))
        expect(() => JSON.parse(one.stdout) as unknown, one.script).not.toThrow()
    }
    for (const args of AGENTS)
      expect(await root.run(stopped(`lunkeeper ${args}`, '1'))).toMatchObject({ status: 0 })
    for (const args of CLUSTER) expectDocumentedEnd(await root.run(stopped(`lunkeeper ${args}`, '2')))
  }, 300_000)

  it('a page of the manual for each command, and a configuration that changes nothing', async () => {
    const pages = COMMANDS.map(({ name }) => `/usr/share/man/man8/lunkeeper-${name}.8.gz`)
    expect(await root.run('dpkg --verify lunkeeper')).toMatchObject({ status: 0, stdout: '' })
    const listed = await root.run(
      `gzip -t ${pages.join(' ')} && grep -v '^#' /etc/lunkeeper/config.yaml | grep . ; bash -n /usr/share/bash-completion/completions/lunkeeper`,
    )
    expect(listed.stderr).toBe('')
    expect(listed.stdout).toBe('')
  }, 60_000)

  it('is not removed while a record of a volume is there, and leaves nothing when it goes', async () => {
    await root.write('var/lib/lunkeeper/volumes/db.json', '{}')
    const refused = await root.run('dpkg -r lunkeeper')
    expect(refused.status).not.toBe(0)
    expect(refused.stderr).toContain('error: volumes are attached')
    const gone = await root.run(
      'rm /var/lib/lunkeeper/volumes/db.json; dpkg -P lunkeeper && find / -xdev -name "*lunkeeper*" ! -path "/lab/*" ! -path "/root/*" ! -path "/packed*" | grep -v "^/etc/bash_completion.d"',
    )
    expect(gone.stdout).not.toMatch(/^\//m)
  }, 120_000)
})

test('the single file runs with nothing else installed', async () => {
  const clean = await CleanRoot.open()
  const { status, stdout } = await clean.run(
    '/opt/lunkeeper --version && NODE_OPTIONS=--nonsense /opt/lunkeeper volumes --json',
    {
      [files.single]: '/opt/lunkeeper',
    },
  )
  expect({ status, stdout }).toEqual({ status: 0, stdout: `${version}\n[]\n` })
}, 60_000)

describe('the npm package, beside nothing but a Node', () => {
  let home: string
  beforeAll(async () => {
    home = temporary()
    mkdirSync(join(home, 'node_modules/.bin'), { recursive: true })
    const { program } = await import('../../../lab/debian/program.ts')
    await program(['tar', '-xzf', files.npm, '-C', join(home, 'node_modules')])
    await program(['mv', join(home, 'node_modules/package'), join(home, 'node_modules/lunkeeper')])
    // As npm links it.
    await program(['ln', '-s', '../lunkeeper/bin/lunkeeper', join(home, 'node_modules/.bin/lunkeeper')])
    copyFileSync(join(project, 'test/field/logs/01-bsd-syslog.log'), join(home, 'syslog'))
    writeFileSync(join(home, 'old.yaml'), FIXTURES['root/old.yaml']!)
  })

  it('asks for nothing else, and has what it needs and no more', () => {
    const manifest = JSON.parse(
      readFileSync(join(home, 'node_modules/lunkeeper/package.json'), 'utf8'),
    ) as object
    expect(manifest).toMatchObject({
      version,
      os: ['linux', 'darwin'],
      engines: { node: expect.any(String) },
    })
    expect(manifest).not.toHaveProperty('dependencies')
    expect(manifest).not.toHaveProperty('devDependencies')
  })

  it('explains, migrates, completes and helps', async () => {
    const clean = await CleanRoot.open()
    const bin = '/home/node_modules/.bin/lunkeeper'
    const commands = [
      `${bin} --version`,
      `${bin} explain /home/syslog`,
      `${bin} migrate /home/old.yaml --check`,
      `${bin} completion bash`,
      ...COMMANDS.map(({ name }) => `${bin} ${name} --help`),
      `${bin} volumes --json`,
      // A user's program finds the types and the library.
      `cd /home && node --input-type=module -e "import { parseIqn } from 'lunkeeper'; console.log(parseIqn('iqn.2024-01.example:db'))" && ls node_modules/lunkeeper/dist/types/index.d.ts`,
    ]
    const ran = await clean.runAll(commands, { [home]: '/home', [execPath]: '/usr/local/bin/node' })
    for (const one of ran) {
      expect(one, one.script).toMatchObject({ status: 0 })
      expect(one.stderr, one.script).not.toMatch(/^error|Warning:/m)
    }
    expect(ran[1]!.stdout).toContain('120')
  }, 120_000)
})
