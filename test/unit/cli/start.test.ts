import type { SpawnSyncReturns } from 'node:child_process'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeEach, expect, test } from 'vitest'

import { temporary } from '../temporary.ts'

const MAIN = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

let places: string

beforeEach(() => {
  places = temporary()
})

/** The program itself, on a machine without volumes. */
function lunkeeper(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', LUNKEEPER_RECORDS: places, LUNKEEPER_RUNTIME: places },
  })
}

test('--version prints the version of the package', () => {
  expect(lunkeeper('--version')).toMatchObject({ status: 0, stdout: '0.1.0\n', stderr: '' })
  const json = lunkeeper('--version', '--json')
  expect(JSON.parse(json.stdout)).toEqual({ version: '0.1.0' })
})

test('a node without volumes gives an empty list and exit status 0', () => {
  expect(lunkeeper('volumes', '--json')).toMatchObject({ status: 0, stdout: '[]\n', stderr: '' })
})

test('a failure with --json is one document on stdout, and two lines on stderr', () => {
  const { status, stdout, stderr } = lunkeeper('volumes', 'db', '--json')
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'NOT_FOUND',
      message: 'there is no volume named "db"',
      hint: 'See `lunkeeper volumes`.',
      details: {},
    },
  })
  expect(stderr).toBe('error[NOT_FOUND]: there is no volume named "db"\nhint: See `lunkeeper volumes`.\n')
})

test('a failure without --json leaves stdout empty', () => {
  expect(lunkeeper('volumes', 'db')).toMatchObject({ status: 1, stdout: '' })
})

test('an invalid request has exit status 2', () => {
  expect(lunkeeper('attach', '--lun', '1')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('error[USAGE]: attach requires --portal, --iqn: they are missing\n'),
  })
})

test.each([
  ['hold', '--all'],
  ['hold', 'db', '--grace', '5s'],
  ['drill', '--outage', '9', '--true-time'],
])('the hint names the command: %s', (...args) => {
  const { status, stderr } = lunkeeper(...args)
  expect(status).toBe(2)
  expect(stderr).toContain(`\nhint: See \`lunkeeper ${args[0]} --help\`.\n`)
})

test('a corrupt record is a warning, and the other volumes are listed', () => {
  mkdirSync(join(places, 'volumes'))
  writeFileSync(join(places, 'volumes', 'db.json'), 'x')
  const { status, stdout, stderr } = lunkeeper('volumes', '--json')
  expect({ status, stdout }).toEqual({ status: 0, stdout: '[]\n' })
  expect(stderr).toMatch(/^warning: .*volumes\/db\.json is not a valid record: .*\n$/)
})

test('a reader that closes stdout is not an error', () => {
  const ran = spawnSync(
    'bash',
    ['-c', `set -o pipefail; "$@" | true`, 'bash', process.execPath, MAIN, '--help'],
    {
      encoding: 'utf8',
    },
  )
  expect(ran).toMatchObject({ status: 0, stderr: '' })
})

test('a reader that closes stderr does not stop the program', () => {
  mkdirSync(join(places, 'volumes'))
  writeFileSync(join(places, 'volumes', 'db.json'), 'x')
  const script = `{ sleep 0.2; "$@" 2>&1 >/dev/null; echo "ended with $?" > "$0"; } | exec 0<&-`
  const end = join(places, 'end')
  spawnSync('bash', ['-c', script, end, process.execPath, MAIN, 'volumes', '--records', places])
  expect(readFileSync(end, 'utf8')).toBe('ended with 0\n')
})

test('an uncaught exception is reported as INTERNAL', () => {
  const late = join(places, 'late.mjs')
  writeFileSync(
    late,
    `process.on('newListener', (name) => {
    if (name === 'uncaughtException') process.nextTick(() => { throw new Error('boom') })
  })`,
  )
  const ran = spawnSync(process.execPath, ['--import', late, MAIN, 'volumes', '--records', places], {
    encoding: 'utf8',
  })
  expect(ran).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^error\[INTERNAL\]: boom\nhint: .*\n$/),
  })
})

test('an invalid LUNKEEPER_DIE_AT is refused', () => {
  const ran = spawnSync(process.execPath, [MAIN, 'expand', 'db'], {
    encoding: 'utf8',
    env: { LUNKEEPER_DIE_AT: 'lgin:before', LUNKEEPER_RECORDS: places },
  })
  expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining('LUNKEEPER_DIE_AT is not') })
})

/** As a shell runs it, with this machine's real output. @returns the exit status of the program and its messages */
function inShell(script: string): { status: string; stderr: string } {
  const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, MAIN], { encoding: 'utf8' })
  return { status: stdout.trim(), stderr }
}

test('output that cannot be written is an error', () => {
  const { status, stderr } = inShell('"$0" "$1" volumes --help > /dev/full; echo $?')
  expect(status).toBe('1')
  expect(stderr).toMatch(/^error\[OUTPUT_UNWRITABLE\]: .*no space/)
})
