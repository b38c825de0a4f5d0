import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, it } from 'vitest'

import { temporary } from '../temporary.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const EXAMPLES = readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.ts'))
const IQN = 'iqn.2026-11.example:san'

/** A project that contains the examples and the package as it is shipped. */
let home: string

beforeAll(() => {
  home = temporary()
  copyFileSync(join(ROOT, 'package.json'), join(home, 'package.json'))
  cpSync(join(ROOT, 'examples'), join(home, 'examples'), { recursive: true })
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts/bundle.mjs'), join(home, 'dist')],
    { cwd: ROOT, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
}, 120_000)

function example(name: string, ...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(home, 'examples', `${name}.ts`), ...args], {
    encoding: 'utf8',
    cwd: home,
    env: { PATH: process.env['PATH'] },
    timeout: 50_000,
  })
}

describe('the examples, run by Node on the built package', () => {
  it('attach reports an option that is not valid, by its code, and touches nothing', () => {
    const { status, stdout, stderr } = example('attach', '10.9.0.1', 'san', '17', '/mnt/orders')
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(/^BAD_IQN: "san" is not an iSCSI name/)
  })

  it('attach takes a list of portals and names the one that is not valid', () => {
    const { stderr } = example('attach', '10.9.0.1,10.9.0.999', IQN, '17', '/mnt/orders')
    expect(stderr).toContain('BAD_PORTAL: "10.9.0.999" is not a portal')
  })

  it('several reports each LUN, and ends although one host was open for all', () => {
    const { status, stdout } = example('several', '10.9.0.1', IQN, 'x', '01')
    expect(stdout).toMatch(/^x .*"x" is not a LUN\n01 .*"01" is not a LUN\n$/)
    expect(status).toBe(0)
  })

  it('chap reads the password from a file, and no error shows it', () => {
    const file = join(home, 'password')
    writeFileSync(file, `open\nsesame`)
    const { status, stderr } = example('chap', '10.9.0.1', IQN, '17', 'node1', file)
    expect(status).toBe(1)
    expect(stderr).toContain('BAD_CHAP')
    expect(stderr).not.toContain('sesame')
  })

  it.each(['hold', 'owner', 'expand', 'detach'])(
    '%s of a volume that does not exist fails with its code',
    (name) => {
      const { status, stderr } = example(name, 'no-such-volume-here')
      expect(status).toBe(1)
      expect(stderr).toMatch(process.getuid?.() === 0 ? /NOT_FOUND/ : /NOT_FOUND|NO_PERMISSION/)
    },
  )

  it('hold refuses a duration that is not valid', () => {
    expect(example('hold', 'no-such-volume-here', '10 minutes').stderr).toContain('BAD_HOLD')
  })

  // Only test/kernel/library.test.ts runs give-up: here it would end the holds of the developer's machine.
  it('volumes lists the volumes of this node, also if it has none', () => {
    expect(example('volumes').stdout).toMatch(/^(?:.+\n)*\d+ volumes\n$/)
  })

  it('explain finds the outages of a log', () => {
    const log = join(ROOT, 'test/field/logs/01-bsd-syslog.log')
    const { status, stdout, stderr } = example('explain', log)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^session \d+ .*: lost at /m)
  })

  it('every example is in the list of examples', () => {
    const list = readFileSync(join(ROOT, 'examples/README.md'), 'utf8')
    for (const file of EXAMPLES) expect(list).toContain(`](${file})`)
  })

  it.runIf(process.getuid?.() === 0)(
    'doctor lists findings, and repairs nothing',
    () => {
      const { status, stdout } = example('doctor')
      expect(status).toBe(0)
      expect(stdout).toMatch(/^\d+ findings\n$/m)
    },
    60_000,
  )
})
