import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Program } from '../../../../src/host/exec/programs.ts'
import { PACKAGE_OF } from '../../../../src/host/exec/programs.ts'
import { isLunkeeperError } from '../../../../src/model/errors.ts'
import { failureReason, run } from '../../../../src/host/exec/run.ts'

const DEADLINE_MS = 20_000
let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-exec-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const sh = (script: string, ...args: string[]) =>
  run('sh', ['-c', script, 'sh', ...args], { deadline: DEADLINE_MS })

test('run returns exit status, signal and output; a failure is a result, not an error', async () => {
  expect(await sh('echo out; echo err >&2; exit 7')).toEqual({
    code: 7,
    signal: null,
    stdout: 'out',
    stderr: 'err',
  })
  expect(await sh('kill -TERM $$')).toMatchObject({ code: null, signal: 'SIGTERM' })
})

test('run passes arguments unchanged, without a shell', async () => {
  const args = ['$(touch x)', '; touch y', '*', '', ' a  b ', "'", '\n']
  expect((await sh('printf "<%s>" "$@"', ...args)).stdout).toBe(args.map((arg) => `<${arg}>`).join(''))
})

test('a program gets our PATH and locale, and nothing else of the environment', async () => {
  process.env['CHAP_PASSWORD'] = 'correct-horse'
  process.env['LANG'] = 'de_DE.UTF-8'
  onTestFinished(() => {
    delete process.env['CHAP_PASSWORD']
    delete process.env['LANG']
  })
  const { stdout } = await sh('cat /proc/self/environ | tr "\\0" "\\n"')
  expect(
    stdout
      .split('\n')
      .filter((line) => !/^(PWD|SHLVL|_|OLDPWD)=/.test(line))
      .toSorted(),
  ).toEqual(['LC_ALL=C', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'])
})

test("a program in the caller's own PATH is never started", async () => {
  writeFileSync(join(dir, 'sh'), '#!/bin/sh\necho stolen\n', { mode: 0o755 })
  const before = process.env['PATH']
  process.env['PATH'] = `${dir}:${before}`
  onTestFinished(() => void (process.env['PATH'] = before))
  expect((await sh('echo ours')).stdout).toBe('ours')
})

test('a program that is not installed is reported with its package', async () => {
  const missing = Object.keys(PACKAGE_OF).find(
    (program): program is Program => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  )
  if (!missing) return
  await expect(run(missing, [], { deadline: DEADLINE_MS })).rejects.toMatchObject({
    code: 'PROGRAM_MISSING',
    message: `the program ${missing} is not installed, or cannot be run`,
    hint: expect.stringContaining(`apt-get install ${PACKAGE_OF[missing]}`),
    details: { program: missing, package: PACKAGE_OF[missing] },
  })
})

const short = (script: string): Promise<unknown> =>
  run('sh', ['-c', script], { deadline: 150 }).catch((error: unknown) => error)

describe('a deadline', () => {
  test('ends a program that ignores signals', async () => {
    const error = await short('trap "" INT TERM HUP; while :; do sleep 1; done')
    expect(error).toMatchObject({ code: 'TIMEOUT', message: 'sh did not end within 0.15 s' })
    await gone(isLunkeeperError(error) ? Number(error.details['pid']) : 0)
  })

  test('is not extended by a grandchild that keeps the pipes open', async () => {
    const started = performance.now()
    const error = await short('sleep 30 & echo $! > /dev/null; exec sleep 30')
    expect(error).toMatchObject({ code: 'TIMEOUT' })
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  test('also applies to a program that has ended and left a grandchild with its pipes', async () => {
    const error = await short(`sleep 30 & echo $! > ${dir}/pid`)
    onTestFinished(() => void process.kill(Number(readFileSync(join(dir, 'pid'), 'utf8')), 'SIGKILL'))
    expect(error).toMatchObject({ code: 'TIMEOUT' })
  })

  test('leaves nothing behind that keeps this process running', async () => {
    const source = join(import.meta.dirname, '../../../../src/host/exec/run.ts')
    const script = `
      import { run } from ${JSON.stringify(source)}
      await run('sh', ['-c', 'trap "" TERM; sleep 3 & wait; sleep 3'], { deadline: 50 }).catch(() => {})
      console.log(process.uptime())`
    const started = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      timeout: 30_000,
    })
    expect(started.status).toBe(0)
  })
})

/** No event reports the end of an abandoned process. */
async function gone(pid: number): Promise<void> {
  while (statSync(`/proc/${pid}`, { throwIfNoEntry: false }))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('an abort signal', () => {
  test('stops a running program', async () => {
    const stop = new AbortController()
    const running = run('sh', ['-c', 'exec sleep 30'], { deadline: DEADLINE_MS, signal: stop.signal })
    setTimeout(() => stop.abort(), 50)
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
  })

  test('that is already aborted keeps the program from being started', async () => {
    const path = join(dir, 'ran')
    const running = run('sh', ['-c', `touch ${path}`], { deadline: DEADLINE_MS, signal: AbortSignal.abort() })
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('that is aborted while the program is being started stops it, too', async () => {
    const stop = new AbortController()
    const running = run('sh', ['-c', 'exec sleep 30'], { deadline: DEADLINE_MS, signal: stop.signal })
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

test('a program that prints without end is ended, and its output is cut', async () => {
  const ran = await sh('exec yes')
  expect(ran.code).not.toBe(0)
  expect(ran.stdout.length).toBeLessThanOrEqual(1 << 20)
})

test('a file becomes the standard input: the lock of flock lasts as long as the file is open here', async () => {
  const path = join(dir, 'guard')
  const file = openSync(path, 'w+')
  expect((await run('flock', ['--exclusive', '--nonblock', '0'], { deadline: DEADLINE_MS, file })).code).toBe(
    0,
  )
  const other = openSync(path, 'r+')
  onTestFinished(() => closeSync(other))
  const tryOther = () =>
    run('flock', ['--exclusive', '--nonblock', '0'], { deadline: DEADLINE_MS, file: other })
  expect((await tryOther()).code).toBe(1)
  closeSync(file)
  expect((await tryOther()).code).toBe(0)
})

test('a program reads the given input, or an empty one', async () => {
  expect((await run('sh', ['-c', 'cat'], { deadline: DEADLINE_MS, input: 'a\nb' })).stdout).toBe('a\nb')
  expect((await sh('cat')).stdout).toBe('')
})

test('a program that does not read its input is not an error', async () => {
  const ran = await run('sh', ['-c', 'exit 3'], { deadline: DEADLINE_MS, input: 'x'.repeat(1 << 18) })
  expect(ran.code).toBe(3)
})

test('failureReason returns the reason of a failure, not the usage or a banner', () => {
  const ran = { code: 1, signal: null, stdout: '', stderr: '' }
  expect(failureReason({ ...ran, stderr: '\n  a \nb\n' })).toBe('a')
  expect(failureReason({ ...ran, stdout: 'said' })).toBe('said')
  expect(failureReason({ ...ran, stderr: 'Usage: x\nbad' })).toBe('bad')
  const banner = 'resize2fs 1.47.0 (5-Feb-2023)\nresize2fs: Bad magic number'
  expect(failureReason({ ...ran, stderr: banner })).toBe('resize2fs: Bad magic number')
  expect(failureReason({ ...ran, stderr: 'a\ninitiator reported error (24)\nb' })).toBe(
    'initiator reported error (24)',
  )
  expect(failureReason(ran)).toBe('exit status 1')
  expect(failureReason({ ...ran, code: null, signal: 'SIGKILL' })).toBe('it was ended by SIGKILL')
})
