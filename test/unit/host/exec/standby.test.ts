import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'

import type { Program } from '../../../../src/host/exec/programs.ts'
import { PACKAGE_OF } from '../../../../src/host/exec/programs.ts'
import { run } from '../../../../src/host/exec/run.ts'
import { STANDBY_SCRIPT, StandbyShells } from '../../../../src/host/exec/standby.ts'
import { temporary } from '../../temporary.ts'

let shells: StandbyShells
beforeEach(() => {
  shells = new StandbyShells()
  onTestFinished(() => shells.close())
})

const urgent = (program: Program, args: readonly string[], more = {}) =>
  run(program, args, { deadline: 20_000, urgent: true, ...more }, shells)

/** The process ids of waiting shells. */
function waiting(): number[] {
  const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], {
    encoding: 'utf8',
  })
  return children
    .split('\n')
    .filter((line) => line.includes('lunkeeper-standby'))
    .map((line) => Number.parseInt(line, 10))
}

async function warm(): Promise<number[]> {
  shells.warm()
  return vi.waitUntil(() => {
    const all = waiting()
    return all.length === 4 && all
  })
}

test('a shell that waits becomes the program, with its arguments unchanged, our environment and no input', async () => {
  const pids = await warm()
  const args = ['$(touch x)', '; touch y', '*', '', ' a  b ', "'", '"', '\\n', '-n', 'ä', '\t', '']
  const script = 'printf "<%s>" "$@"; cat; echo "$$" "$PATH" "$LC_ALL" >&2; exit 7'
  const ran = await urgent('sh', ['-c', script, 'sh', ...args])
  expect(ran).toMatchObject({ code: 7, signal: null, stdout: args.map((arg) => `<${arg}>`).join('') })
  const [pid, path, locale] = ran.stderr.split(' ')
  expect(pids).toContain(Number(pid))
  expect([path, locale]).toEqual(['/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'C'])
  expect(waiting()).toHaveLength(3)
})

test('a program is started the usual way where no shell waits, or none can take its arguments or its input', async () => {
  const pidOf = async (more: object, ...args: string[]) =>
    Number((await urgent('sh', ['-c', 'echo $$', 'sh', ...args], more)).stdout)
  await pidOf({})
  const pids = await warm()
  for (const more of [{ input: '' }, { env: { A: 'b' } }, { urgent: false }])
    expect(pids).not.toContain(await pidOf(more))
  expect(pids).not.toContain(await pidOf({}, 'two\nlines'))
  expect(pids).toContain(await pidOf({}))
})

test('a program that is not installed is reported as ever', async () => {
  const missing = Object.keys(PACKAGE_OF).find(
    (program): program is Program => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  )
  if (!missing) return
  await warm()
  await expect(urgent(missing, [])).rejects.toMatchObject({ code: 'PROGRAM_MISSING' })
})

test('a deadline and an abort signal end the program', async () => {
  await warm()
  await expect(urgent('sh', ['-c', 'exec sleep 30'], { deadline: 150 })).rejects.toMatchObject({
    code: 'TIMEOUT',
  })
  const stop = new AbortController()
  const stopped = urgent('sh', ['-c', 'exec sleep 30'], { signal: stop.signal })
  stop.abort()
  await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('nothing is run if the words do not arrive whole, wherever they end', async () => {
  const path = join(temporary(), 'ran')
  const input = `13\nsh\n-c\ntouch "$2"\nsh\na\n${path}\n\nb\nc\nd\ne\nf\ng\n`
  const feed = (fed: string) => spawnSync('sh', ['-c', STANDBY_SCRIPT, 'lunkeeper-standby'], { input: fed })
  for (let length = 0; length < input.length; length++) {
    feed(input.slice(0, length))
    expect(existsSync(path), `after ${length} bytes`).toBe(false)
  }
  feed(input)
  expect(existsSync(path)).toBe(true)
  rmSync(path)
})

test('shells that died while they waited are passed over', async () => {
  const pids = await warm()
  for (const pid of pids.slice(1)) process.kill(pid, 'SIGKILL')
  await vi.waitUntil(() => waiting().length === 1)
  // The end of a child becomes visible in the next turn of the event loop.
  await sleep(1)
  expect(Number((await urgent('sh', ['-c', 'echo $$'])).stdout)).toBe(pids[0])
})

test('they end when they are closed, and with this process', async () => {
  await warm()
  shells.close()
  await vi.waitUntil(() => waiting().length === 0)
  const source = join(import.meta.dirname, '../../../../src/host/exec/standby.ts')
  const script = `
    import { StandbyShells } from ${JSON.stringify(source)}
    new StandbyShells().warm()
    await new Promise((resolve) => setTimeout(resolve, 500))`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 })
})
