import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeAll, describe, expect, it, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { COMMANDS } from '../../../src/cli/commands.ts'
import { parse } from '../../../src/cli/input/parse.ts'
import { temporary } from '../temporary.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const VOLUME = `apiVersion: v1
kind: PersistentVolume
metadata: { name: old }
spec:
  capacity: { storage: 1Gi }
  accessModes: [ReadWriteOnce]
  iscsi: { targetPortal: 192.0.2.10, iqn: "iqn.2024-01.example:san", lun: 7, fsType: xfs }
`

/** The program as it is shipped: modules that work from the sources may not work when bundled. */
let home: string
let program: string
let places: string

beforeAll(() => {
  home = temporary()
  places = temporary()
  copyFileSync(join(ROOT, 'package.json'), join(home, 'package.json'))
  program = join(home, 'dist/lunkeeper.js')
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'scripts/bundle.mjs'), join(home, 'dist')],
    { cwd: ROOT, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
}, 120_000)

/** The built program on a host without volumes. */
function lunkeeper(args: readonly string[], input = ''): SpawnSyncReturns<string> {
  const ran = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    input,
    cwd: places,
    env: { PATH: '/usr/bin:/bin', LUNKEEPER_RECORDS: places, LUNKEEPER_RUNTIME: places },
  })
  expect(ran.stdout + ran.stderr).not.toMatch(/INTERNAL|is not a function|is not a constructor/)
  return ran
}

describe('the built program', () => {
  it.each(COMMANDS.map(({ name }) => name))('%s --help', (name) => {
    const { status, stdout, stderr } = lunkeeper([name, '--help'])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain(`lunkeeper ${name}`)
  })

  it.each(['bash', 'zsh', 'fish'])('completion for %s', (shell) => {
    const { status, stdout } = lunkeeper(['completion', shell])
    expect(status).toBe(0)
    expect(stdout).toContain('lunkeeper')
  })

  test('migrate prints text and JSON', () => {
    const asText = lunkeeper(['migrate', '-'], VOLUME)
    expect(asText.status).toBe(0)
    const objects = parseAllDocuments(asText.stdout).map((document) => document.toJS() as unknown)
    expect(objects).toContainEqual(expect.objectContaining({ kind: 'PersistentVolume' }))
    expect(lunkeeper(['migrate', '-', '--check'], VOLUME)).toMatchObject({ status: 0, stderr: '' })
    const noCapacity = VOLUME.replace(/^.*capacity.*$/m, '')
    expect(lunkeeper(['migrate', '-', '--check'], noCapacity)).toMatchObject({ status: 1, stderr: '' })
    const asJson = lunkeeper(['migrate', '-', '--json'], VOLUME)
    expect(JSON.parse(asJson.stdout)).toMatchObject({ volumes: [{ kind: 'PersistentVolume' }] })
  })

  test('explain prints text and JSON, and writes a chart', () => {
    const log = join(ROOT, 'test/field/logs/01-bsd-syslog.log')
    expect(lunkeeper(['explain', log])).toMatchObject({ status: 0, stdout: expect.stringContaining('120') })
    expect(JSON.parse(lunkeeper(['explain', log, '--json']).stdout)).toHaveProperty('span')
    expect(lunkeeper(['explain', log, '--html', join(places, 'outage.html')]).status).toBe(0)
    expect(readFileSync(join(places, 'outage.html'), 'utf8')).toContain('<svg')
  })

  test('attach prints the schema of a volume file, and refuses an invalid file', () => {
    const schema = lunkeeper(['attach', '--schema', '--json'])
    expect(schema.status).toBe(0)
    expect(JSON.parse(schema.stdout)).toMatchObject({ properties: { iqn: {} } })
    writeFileSync(join(places, 'wrong.yaml'), 'portal: 192.0.2.10\nlun: seven\n')
    expect(lunkeeper(['attach', '-f', 'wrong.yaml']).status).toBe(2)
  })

  it.each([
    [['volumes', '--json']],
    [['sessions', '--json']],
    [['doctor', '--json']],
    [['doctor', '--fix', '--dry-run', '--json']],
    [['volumes', 'db', '--json']],
    [['hold', 'db', '--json']],
    [['expand', 'db', '--json']],
    [['detach', 'db', '--json']],
    [['drill', '--takeover', 'nowhere', '--json']],
    [['attach', '--portal', '192.0.2.10', '--iqn', 'iqn.2024-01.example:db', '--lun', 'x', '--json']],
  ])('%s: one document on a host without volumes', (args) => {
    const { stdout } = lunkeeper(args)
    expect(JSON.parse(stdout)).toBeDefined()
  })

  test('a configuration file is read', () => {
    writeFileSync(join(places, 'config.yaml'), 'hold: 90s\n')
    expect(lunkeeper(['volumes', '--json', '--config', 'config.yaml'])).toMatchObject({
      status: 0,
      stdout: '[]\n',
    })
  })

  test('a CommonJS package is never imported dynamically', () => {
    for (const file of readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      const packages = [
        ...readFileSync(join(ROOT, 'src', file), 'utf8').matchAll(/import\('([^.n][^']*)'\)/g),
      ].map((found) => found[1]!)
      for (const name of packages) {
        const { type } = JSON.parse(
          readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'),
        ) as { type?: string }
        expect({ file, name, type }).toEqual({ file, name, type: 'module' })
      }
    }
  })
})

describe('the built program reads standard input to its end', () => {
  const ATTACH = '--portal 192.0.2.10 --iqn iqn.2024-01.example:db --lun 0'

  beforeAll(() => {
    writeFileSync(join(places, 'pv.yaml'), VOLUME)
    // More than a pipe holds.
    writeFileSync(join(places, 'long.yaml'), VOLUME + '# a comment\n'.repeat(20_000))
    writeFileSync(join(places, 'no-number.yaml'), 'portal: 192.0.2.10\niqn: iqn.2024-01.example:db\nlun: x\n')
    writeFileSync(join(places, 'half-chap'), 'username = me\n')
  })

  it.each([
    ['(sleep 0.5; cat pv.yaml) | lunkeeper migrate', 0, ''],
    ['(head -c 99999 long.yaml; sleep 0.5; tail -c +100000 long.yaml) | lunkeeper migrate -', 0, ''],
    ['(sleep 0.5; cat pv.yaml) | lunkeeper migrate /dev/stdin', 0, ''],
    ['lunkeeper migrate < long.yaml', 0, ''],
    ['(sleep 0.5; cat no-number.yaml) | lunkeeper attach -f -', 2, 'error[BAD_LUN]: stdin:3: '],
    ['lunkeeper attach -f - < /dev/null', 2, 'error[BAD_REQUEST]: stdin '],
    ['lunkeeper attach -f - <&-', 2, 'error[BAD_REQUEST]: stdin '],
    [`(sleep 0.5; cat half-chap) | lunkeeper attach ${ATTACH} --chap-file -`, 2, 'must be given together'],
    [`lunkeeper attach ${ATTACH} --chap-file - < half-chap`, 2, 'must be given together'],
    ['cat /dev/zero | lunkeeper attach -f -', 2, 'stdin cannot be read: it is longer than 1 MiB'],
    ['lunkeeper attach -f /dev/zero', 2, '/dev/zero cannot be read: it is longer than 1 MiB'],
    ['lunkeeper migrate /dev/zero', 2, '/dev/zero cannot be read: it is longer than 32 MiB'],
    ['lunkeeper volumes --config /dev/zero', 2, '/dev/zero cannot be read: it is longer than 1 MiB'],
  ])('%s', (script, exit, message) => {
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `lunkeeper() { timeout 30 '${process.execPath}' '${program}' "$@"; }\n${script}`],
      { cwd: places, encoding: 'utf8' },
    )
    expect({ status, stderr }).toEqual({ status: exit, stderr: expect.stringContaining(message) })
    expect(stdout).toContain(exit === 0 ? 'kind: PersistentVolume' : '')
  })
})

describe('every example of the help parses', () => {
  const EXAMPLES = COMMANDS.flatMap(({ name, examples }) =>
    examples.map(({ command }) => [name, command] as const),
  )
  it.each(EXAMPLES)('%s: %s', (name, example) => {
    const call = /\blunkeeper ([^|>)]*)/.exec(example)?.[1]
    expect(call).toBeDefined()
    expect(parse(COMMANDS, call!.trim().split(/\s+/))).toMatchObject({ kind: 'run', command: { name } })
  })
})
