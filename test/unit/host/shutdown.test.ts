import { expect, it } from 'vitest'

import { isShuttingDown } from '../../../src/host/shutdown.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'
import { fakeNode } from '../kubernetes/node.ts'

/** What these programs print; one that is not here is not installed. */
function asked(answers: Readonly<Record<string, string>>, first = 'systemd') {
  const { host, file } = fakeNode()
  file('proc/1/comm', `${first}\n`)
  return isShuttingDown({
    ...host,
    run: async (program) => {
      const stdout = answers[program]
      if (stdout === undefined) throw new LunkeeperError('PROGRAM_MISSING', program)
      return { code: stdout === 'running' ? 0 : 1, signal: null, stdout, stderr: '' }
    },
  })
}

it('a machine that runs, or that has no systemd, is not shutting down', async () => {
  expect(await asked({ systemctl: 'running', busctl: 'b false' })).toBe(false)
  expect(await asked({ systemctl: 'degraded' })).toBe(false)
  expect(await asked({}, 'init')).toBe(false)
})

it('systemd stops its units', async () => {
  expect(await asked({ systemctl: 'stopping' })).toBe(true)
})

it('a kubelet delays the shutdown, and stops the pods before systemd stops units', async () => {
  expect(await asked({ systemctl: 'running', busctl: 'b true' })).toBe(true)
})

it('systemd has ended: what it did not know of is killed last', async () => {
  expect(await asked({}, 'systemd-shutdow')).toBe(true)
})
