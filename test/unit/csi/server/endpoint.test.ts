import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { listenAt, parseEndpoint } from '../../../../src/csi/server/endpoint.ts'
import { codeOf } from '../../model/code-of.ts'

describe('an endpoint', () => {
  it.each([
    ['unix:///run/csi.sock', '/run/csi.sock'],
    ['unix:/run/csi.sock', '/run/csi.sock'],
    ['/run//csi.sock', '/run/csi.sock'],
  ])('%s', (text, path) => expect(parseEndpoint(text)).toBe(path))

  it.each(['unix://run/csi.sock', 'tcp://0.0.0.0:1', 'csi.sock', '', 'unix:///', `/${'x'.repeat(110)}`])(
    'refused: %s',
    (text) => expect(codeOf(() => parseEndpoint(text))).toBe('USAGE'),
  )
})

describe('a socket', () => {
  let directory: string
  let path: string
  const servers: Server[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'lunkeeper-csi-'))
    path = join(directory, 'plugin', 'csi.sock')
  })
  afterEach(() => {
    for (const server of servers.splice(0)) server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function listening(): Promise<Server> {
    const server = createServer()
    servers.push(server)
    await listenAt(server, path)
    return server
  }

  it('is created atomically, with its directory, and only root can connect to it', async () => {
    await listening()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(path).isSocket()).toBe(true)
    expect(lstatSync(`${path}.new`, { throwIfNoEntry: false })).toBeUndefined()
  })

  it("a dead process's socket is replaced", async () => {
    const dead = await listening()
    const { ino } = statSync(path)
    // As after a kill -9: it is closed, but its path still exists.
    await new Promise((resolve) => dead.close(resolve))
    expect(statSync(path).ino).toBe(ino)
    await listening()
    expect(statSync(path).ino).not.toBe(ino)
  })

  it("a living process's socket is not replaced", async () => {
    await listening()
    await expect(listening()).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('the socket of a process that is too busy to accept connections is not replaced', async () => {
    mkdirSync(dirname(path), { recursive: true })
    const server = `
      require('node:net').createServer().listen({ path: ${JSON.stringify(path)}, backlog: 1 }, () => {
        require('node:fs').writeSync(1, 'listening')
        for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
      })`
    const busy = spawn(process.execPath, ['--eval', server], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(busy.stdout, 'data')
      const callers = Array.from({ length: 8 }, () => connect(path).on('error', () => {}))
      await expect(listening()).rejects.toMatchObject({ code: 'CONFLICT' })
      for (const caller of callers) caller.destroy()
    } finally {
      busy.kill('SIGKILL')
    }
  })

  it('a file at its path is not replaced', async () => {
    path = join(directory, 'file')
    writeFileSync(path, 'precious')
    await expect(listening()).rejects.toMatchObject({ code: 'USAGE' })
    expect(statSync(path).size).toBe(8)
  })
})
