import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { afterEach, expect, it } from 'vitest'

import { openHost } from '../../../../src/host/host.ts'
import { parseName } from '../../../../src/model/name.ts'
import { removeHoldNote, writeHoldNote } from '../../../../src/state/records/hold-note.ts'
import { writeRecord } from '../../../../src/state/records/volumes.ts'
import { staged } from '../../kubernetes/node.ts'
import { temporary } from '../../temporary.ts'

const MAIN = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url))

let child: ChildProcess | null = null
afterEach(() => void child?.kill('SIGKILL'))

function top(directory: string, ...args: string[]) {
  child = spawn(process.execPath, [MAIN, 'top', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: '/usr/bin:/bin',
      LUNKEEPER_RECORDS: join(directory, 'records'),
      LUNKEEPER_RUNTIME: join(directory, 'run'),
    },
  })
  return child
}

it('--json prints a line for each change, until a signal', async () => {
  const directory = temporary()
  const host = openHost({ places: { records: join(directory, 'records'), runtime: join(directory, 'run') } })
  const running = top(directory, '--json')
  const lines = createInterface({ input: running.stdout! })[Symbol.asyncIterator]()
  const next = async () => {
    const { value } = (await lines.next()) as { value: string }
    const { now, volumes } = JSON.parse(value) as { now: string; volumes: { name: string; state: string }[] }
    expect(Number.isNaN(Date.parse(now))).toBe(false)
    return volumes.map(({ name, state }) => `${name} ${state}`)
  }
  expect(await next()).toEqual([])
  writeRecord(host, staged)
  expect(await next()).toEqual(['csi-orders failed'])
  const name = parseName('csi-orders')
  writeHoldNote(host, name, { since: new Date().toISOString(), ended: null, trouble: null })
  expect(await next()).toEqual(['csi-orders holding'])
  removeHoldNote(host, name)
  expect(await next()).toEqual(['csi-orders failed'])
  const exited = once(running, 'exit')
  running.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  await host[Symbol.asyncDispose]()
})

it('a reader that closes the pipe ends top without an error', async () => {
  const running = top(temporary(), '--json')
  const exited = once(running, 'exit')
  let errors = ''
  running.stderr!.on('data', (data: Buffer) => (errors += data.toString()))
  await once(running.stdout!, 'data')
  running.stdout!.destroy()
  running.kill('SIGINT')
  expect(await exited).toEqual([0, null])
  expect(errors).toBe('')
})

it('without a terminal, the current state is printed once, with a warning and without colours', async () => {
  const running = top(temporary())
  const exited = once(running, 'exit')
  let [output, errors] = ['', '']
  running.stdout!.on('data', (data: Buffer) => (output += data.toString()))
  running.stderr!.on('data', (data: Buffer) => (errors += data.toString()))
  expect(await exited).toEqual([0, null])
  expect(output).toMatch(/^lunkeeper \d\d:\d\d:\d\d {2}no volumes on this node\n/)
  expect(output).not.toContain('\u001b')
  expect(errors).toContain('not a terminal')
})
