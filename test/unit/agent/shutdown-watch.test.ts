import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import { watchShutdown } from '../../../src/agent/shutdown-watch.ts'
import type { Host } from '../../../src/host/host.ts'
import { readShutdownGrace } from '../../../src/state/records/shutdown-grace.ts'
import { fakeNode } from '../kubernetes/node.ts'

/** @param state what systemd says about the host */
function watched(state: string) {
  const node = fakeNode()
  const run = join(node.host.paths.root, 'run')
  mkdirSync(run, { recursive: true })
  const asked: string[] = []
  const host: Host = {
    ...node.host,
    run: async (program) => {
      asked.push(program)
      return { code: 1, signal: null, stdout: state, stderr: '' }
    },
  }
  const told: number[] = []
  const watch = watchShutdown(host, (seconds) => told.push(seconds))
  onTestFinished(() => watch[Symbol.dispose]())
  return { host, told, asked, write: (name: string) => writeFileSync(join(run, name), '') }
}

it('in a container, a shutdown of the host limits holds, once', async () => {
  const { host, told, write } = watched('stopping')
  write('something')
  write('nologin')
  await expect.poll(() => told).toEqual([30])
  expect(readShutdownGrace(host)).toMatchObject({ seconds: 30 })
  write('nologin')
  write('nologin')
  expect(told).toEqual([30])
})

it('a shutdown that is only planned limits none', async () => {
  const { host, told, asked, write } = watched('running')
  write('nologin')
  await expect.poll(() => asked).toContain('busctl')
  write('nologin')
  await expect.poll(() => asked.filter((program) => program === 'busctl').length).toBeGreaterThan(1)
  expect([told, readShutdownGrace(host)]).toEqual([[], null])
})
