import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import type { Diagnosis } from '../../../../src/doctor/finding.ts'
import { openHost } from '../../../../src/host/host.ts'
import { writeRecord } from '../../../../src/state/records/volumes.ts'
import { staged } from '../../kubernetes/node.ts'
import { temporary } from '../../temporary.ts'

const MAIN = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url))
const NAME = staged.name
const isRoot = process.getuid?.() === 0
/** A user without privileges. */
const UNPRIVILEGED = 65_534

let places: string
let records: string

beforeEach(async () => {
  places = temporary()
  // For that user.
  chmodSync(places, 0o755)
  records = join(places, 'records')
  await using host = openHost({ places: { records, runtime: join(places, 'unused') } })
  writeRecord(host, staged)
  // Not the records, but the runtime directory requires root.
  for (const path of [records, join(records, 'volumes')]) chmodSync(path, 0o755)
  chmodSync(join(records, 'volumes', `${NAME}.json`), 0o644)
})

function spawned(args: readonly string[], runtime: string, uid?: number) {
  const ran = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    // A loop in the program must end the test.
    timeout: 30_000,
    killSignal: 'SIGKILL',
    env: { PATH: '/usr/bin:/bin', LUNKEEPER_RECORDS: records, LUNKEEPER_RUNTIME: runtime },
    ...(uid === undefined ? {} : { uid }),
  })
  expect(ran.stderr).not.toContain('INTERNAL')
  return ran
}

function lunkeeper(args: readonly string[], runtime: string, uid?: number) {
  const ran = spawned([...args, '--json'], runtime, uid)
  const { error } = JSON.parse(ran.stdout) as { error?: { code: string; hint: string } }
  return { status: ran.status, code: error?.code, hint: error?.hint }
}

const CHANGES = [
  ['hold', NAME, '--set', '5m'],
  ['detach', NAME],
  ['expand', NAME],
]

describe.runIf(isRoot)('a runtime directory that cannot be used is named, with what to do', () => {
  it.each(CHANGES)('if it is a file: %s', (...args) => {
    const file = join(places, 'file')
    writeFileSync(file, '')
    expect(lunkeeper(args, file)).toEqual({
      status: 1,
      code: 'RECORD_UNWRITABLE',
      hint: expect.stringContaining(file),
    })
  })

  it.each(CHANGES)('if the kernel cannot make it: %s', (...args) => {
    expect(lunkeeper(args, '/proc/x')).toEqual({
      status: 1,
      code: 'RECORD_UNWRITABLE',
      hint: expect.stringContaining('/proc/x'),
    })
  })

  it.each(CHANGES)('if its path is too long for a socket: %s', (...args) => {
    const long = join(places, 'x'.repeat(107))
    const answer = lunkeeper(args, long)
    expect(answer).toEqual({ status: 2, code: 'USAGE', hint: expect.stringContaining('--runtime') })
    expect(existsSync(long)).toBe(false)
  })
})

describe.runIf(isRoot)('a user who is not root is told that root is needed', () => {
  it.each([
    ...CHANGES,
    ['hold', NAME, '--give-up'],
    ['hold', '--all', '--give-up'],
    ['hold', '--all', '--give-up', '--shutdown'],
    ['history'],
  ])('%s', (...args) => {
    mkdirSync(join(records, 'history'), { mode: 0o700 })
    expect(lunkeeper(args, join(places, 'run'), UNPRIVILEGED)).toMatchObject({
      status: 1,
      code: 'NO_PERMISSION',
    })
  })
})

describe.runIf(isRoot)('top only looks', () => {
  it.each([
    ['as another user', () => join(places, 'run'), UNPRIVILEGED],
    ['if the kernel cannot make the runtime directory', () => '/proc/x', undefined],
  ])('%s', (_, runtimeOf, uid) => {
    const { status, stdout, stderr } = spawned(['top'], runtimeOf(), uid)
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^warning: .*not a terminal/),
    })
    expect(stdout).toContain(NAME)
    expect(existsSync(join(places, 'run'))).toBe(false)
  })
})

describe.runIf(isRoot)('doctor reports a directory that cannot be written', () => {
  it.each([
    ['full', ['size=64k'], [], 'is full'],
    ['without room for another file', ['nr_inodes=4'], [], 'is full'],
    ['read-only', [], ['remount,ro'], 'is on a read-only file system'],
  ])('%s', (_, options, later, why) => {
    const runtime = join(places, 'small')
    mkdirSync(runtime)
    execFileSync('mount', ['-t', 'tmpfs', '-o', ['mode=755', ...options].join(','), 'tmpfs', runtime])
    onTestFinished(() => void execFileSync('umount', [runtime]))
    if (later.length > 0) execFileSync('mount', ['-o', ...later, runtime])
    const { findings } = JSON.parse(spawned(['doctor', '--json'], runtime).stdout) as Diagnosis
    expect(findings.find(({ code }) => code === 'DIRECTORY_UNWRITABLE')).toMatchObject({
      severity: 'critical',
      subject: runtime,
      message: expect.stringContaining(`the runtime directory ${why}`),
    })
  })

  it('and none that is made when it is needed', () => {
    const { findings } = JSON.parse(spawned(['doctor', '--json'], join(places, 'run')).stdout) as Diagnosis
    expect(findings.map(({ code }) => code)).not.toContain('DIRECTORY_UNWRITABLE')
  })
})
