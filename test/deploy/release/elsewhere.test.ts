import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execPath } from 'node:process'

import { beforeAll, describe, expect, it } from 'vitest'

import { COMMANDS } from '../../../src/cli/commands.ts'
import { temporary } from '../../unit/temporary.ts'
import { packed, project, version } from './packed.ts'

/*
 * The npm package on a machine that is not Linux. The tests have no Mac. They use a Node whose process.platform is
 * darwin, in which everything that only Linux has is missing and its use is counted, and no program can be started.
 */
const DARWIN = `
  Object.defineProperty(process, 'platform', { value: 'darwin' })
  const fs = require('node:fs')
  const { writeSync } = fs
  const touched = (path) => {
    if (!/^\\/(?:proc|sys|run|dev\\/(?:kmsg|mapper|disk|sg|shm)|etc\\/(?:iscsi|multipath))(?:\\/|$)/.test(String(path))) return
    writeSync(2, 'TOUCHED ' + path + '\\n')
    throw Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' })
  }
  for (const place of [fs, fs.promises])
    for (const name of Object.keys(place)) {
      const work = place[name]
      if (typeof work !== 'function' || !/^(?:open|read|stat|lstat|exists|access|readdir|readlink|write|mkdir|watch|rm|rename|createReadStream)/.test(name)) continue
      place[name] = Object.assign(function (...args) { touched(args[0]); return work.apply(this, args) }, work)
    }
  const children = require('node:child_process')
  for (const name of ['spawn', 'spawnSync', 'exec', 'execSync', 'execFile', 'execFileSync', 'fork'])
    children[name] = () => { throw new Error('STARTED a program') }
  require('node:module').syncBuiltinESMExports()
`

let program: string
let home: string

beforeAll(async () => {
  const { npm } = await packed()
  home = mkdtempSync(join(temporary(), 'mac-'))
  execFileSync('tar', ['-xzf', npm, '-C', home])
  writeFileSync(join(home, 'darwin.cjs'), DARWIN)
  program = join(home, 'package/dist/lunkeeper.js')
}, 600_000)

const lunkeeper = (...args: string[]) =>
  spawnSync(execPath, ['--require', join(home, 'darwin.cjs'), program, ...args], {
    encoding: 'utf8',
    cwd: home,
  })

describe('the npm package on a machine that is not Linux', () => {
  const log = join(project, 'test/field/logs/01-bsd-syslog.log')
  const packedLog = join(project, 'test/field/logs/75-rotated.log.gz')
  const manifest = join(project, 'test/field/manifests/01-two-nas-one-iqn.yaml')

  it.each([
    [['--version'], version],
    [['--help'], 'explain'],
    [['explain', '--help'], '--html'],
    [['attach', '--help'], '--portal'],
    [['explain', log], '1 outage'],
    [['explain', log, packedLog], 'outages'],
    [['explain', log, '--json'], '"sessions"'],
    [['explain', join(project, 'test/unit/explain/logs')], 'outages'],
    [['migrate', manifest], 'kind: PersistentVolume'],
    [['migrate', manifest, '--check'], 'all valid'],
    [['completion', 'zsh'], '#compdef'],
  ])('%j works, and needs nothing that only Linux has', (args, expected) => {
    const { status, stdout, stderr } = lunkeeper(...args)
    expect(stderr).not.toMatch(/TOUCHED|STARTED|error\[/)
    expect(status).toBe(0)
    expect(stdout).toContain(expected)
  })

  it('explain draws its picture', () => {
    expect(lunkeeper('explain', log, '--html', 'outage.html').status).toBe(0)
    expect(readFileSync(join(home, 'outage.html'), 'utf8')).toContain('<svg')
  })

  it('explain without a file asks for one', () => {
    const { status, stderr } = lunkeeper('explain')
    expect(status).toBe(1)
    expect(stderr).toContain('Only Linux has one. Give it a log of a Linux machine')
  })

  const REQUIRED: Readonly<Record<string, readonly string[]>> = {
    attach: ['--portal', '192.0.2.1', '--iqn', 'iqn.2024-01.example:db', '--lun', '0'],
    detach: ['db'],
    hold: ['db'],
    owner: ['db'],
    expand: ['db'],
    controller: ['--csi-endpoint', 'unix:///tmp/csi.sock'],
  }
  it.each(COMMANDS.filter(({ anywhere }) => !anywhere).map(({ name }) => name))(
    '%s says that it needs Linux',
    (name) => {
      const { status, stderr } = lunkeeper(name, ...(REQUIRED[name] ?? []))
      expect(stderr).toBe(
        `error[USAGE]: ${name} works on Linux only; this is darwin\nhint: On this system: explain, migrate, completion.\n`,
      )
      expect(status).toBe(2)
    },
  )

  it('would notice what only Linux has', () => {
    const { stderr } = spawnSync(
      execPath,
      [
        '--require',
        join(home, 'darwin.cjs'),
        '--input-type=module',
        '-e',
        "import { readFileSync } from 'node:fs'; readFileSync('/proc/self/stat')",
      ],
      { encoding: 'utf8' },
    )
    expect(stderr).toContain('TOUCHED /proc/self/stat')
  })
})
