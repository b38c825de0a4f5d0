import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Worker } from '../../../../src/host/worker/worker.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-worker-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const DEADLINE_MS = 20_000

function worker(): Worker {
  const made = new Worker()
  onTestFinished(() => made.dismiss())
  return made
}

/** Opening it for writing blocks for as long as it has no reader. */
function fifo(): string {
  const path = join(dir, 'fifo')
  execFileSync('mkfifo', [path])
  return path
}

const ended = (made: Worker) => new Promise<void>((resolve) => made.onExit(resolve))
const file = (name: string, text = '') => {
  writeFileSync(join(dir, name), text)
  return join(dir, name)
}

test('a call succeeds, or fails with the errno of the kernel', async () => {
  const made = worker()
  const path = file('scan')
  await made.call('write', { path, text: '0 0 7' }, DEADLINE_MS)
  expect(readFileSync(path, 'utf8')).toBe('0 0 7')
  await expect(made.call('write', { path: join(dir, 'none'), text: '1' }, DEADLINE_MS)).rejects.toMatchObject(
    {
      errno: 'ENOENT',
    },
  )
  await expect(made.call('write', { path: '/dev/full', text: '1' }, DEADLINE_MS)).rejects.toMatchObject({
    errno: 'ENOSPC',
  })
  expect(made.usable).toBe(true)
})

test('write never creates a file', async () => {
  const path = join(dir, 'delete')
  await expect(worker().call('write', { path, text: '1' }, DEADLINE_MS)).rejects.toMatchObject({
    errno: 'ENOENT',
  })
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
})

test('a call that does not come back is STUCK after its deadline, names its process, and the worker is not used again', async () => {
  const made = worker()
  const path = fifo()
  await made.call('missingDirectories', { path: dir }, DEADLINE_MS)
  const started = performance.now()
  await expect(made.call('write', { path, text: '1' }, 100)).rejects.toMatchObject({
    code: 'STUCK',
    message: `write ${path} did not return within 0.1 s`,
    details: { verb: 'write', path, pid: made.pid },
  })
  expect(performance.now() - started).toBeGreaterThanOrEqual(99)
  expect(made.usable).toBe(false)
  await ended(made)
})

describe('a worker that is killed from outside', () => {
  test('fails the call that it was at, at once', async () => {
    const made = worker()
    await made.call('missingDirectories', { path: dir }, DEADLINE_MS)
    const call = made.call('write', { path: fifo(), text: '1' }, 600_000)
    process.kill(made.pid, 'SIGKILL')
    await expect(call).rejects.toMatchObject({ errno: 'ECHILD' })
    expect(made.usable).toBe(false)
  })

  test('fails the calls that come later, at once: a claim of it is gone', async () => {
    const made = worker()
    const path = file('disk')
    expect(await made.call('claim', { path }, DEADLINE_MS)).toBe(true)
    process.kill(made.pid, 'SIGKILL')
    await ended(made)
    await expect(made.call('flush', { path }, 600_000)).rejects.toMatchObject({ errno: 'ECHILD' })
  })
})

test('a signal to the group of its sender does not reach it, nor does a Ctrl-C sent to it alone', async () => {
  const made = worker()
  await made.call('missingDirectories', { path: dir }, DEADLINE_MS)
  const group = Number(
    readFileSync(`/proc/${made.pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')[2],
  )
  expect(group).toBe(made.pid)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(made.pid, signal)
  await expect(made.call('missingDirectories', { path: dir }, DEADLINE_MS)).resolves.toEqual([])
})

describe('its sender', () => {
  const source = join(import.meta.dirname, '../../../../src/host/worker/worker.ts')
  /** A process that starts a worker, makes it do `call`, and prints its pid. */
  const sender = (call: string) => {
    const script = `
      import { Worker } from ${JSON.stringify(source)}
      const worker = new Worker()
      await worker.call('missingDirectories', { path: '/' }, ${DEADLINE_MS})
      console.log(worker.pid)
      ${call}`
    const started = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void started.kill('SIGKILL'))
    return started
  }
  const pidOf = async (started: ReturnType<typeof sender>) => {
    const [line] = await once(createInterface({ input: started.stdout }), 'line')
    return Number(line)
  }

  test('ends although a worker runs, and the worker ends with it', async () => {
    const started = sender('')
    const pid = await pidOf(started)
    expect(await once(started, 'exit')).toEqual([0, null])
    await gone(pid)
  })

  test('ends although a worker is stuck', async () => {
    const path = fifo()
    const started = sender(
      `await worker.call('write', { path: ${JSON.stringify(path)}, text: '1' }, 50).catch(() => {})`,
    )
    const pid = await pidOf(started)
    expect(await once(started, 'exit')).toEqual([0, null])
    await gone(pid)
  })

  test('is killed: the worker ends', async () => {
    const started = sender('setInterval(() => {}, 1_000)')
    const pid = await pidOf(started)
    started.kill('SIGKILL')
    await gone(pid)
    expect(started.killed).toBe(true)
  })
})

test('a worker that cannot even be started fails its calls at once', () => {
  const source = join(import.meta.dirname, '../../../../src/host/worker/worker.ts')
  const script = `
    import { openSync } from 'node:fs'
    import { Worker } from ${JSON.stringify(source)}
    try { for (;;) openSync('/dev/null') } catch {}
    const worker = new Worker()
    const call = worker.call('missingDirectories', { path: '/' }, 600_000)
    const again = (error) => { console.log(error.errno); return worker.call('release', { path: '/' }, 600_000) }
    await call.catch(again).catch((error) => console.log(error.errno, worker.usable))`
  const said = execFileSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$0" --input-type=module --eval "$1"', process.execPath, script],
    { encoding: 'utf8', timeout: 20_000 },
  )
  expect(said).toBe('ECHILD\nECHILD false\n')
})

/** No event reports the end of a process that is not our child. */
async function gone(pid: number): Promise<void> {
  while (statSync(`/proc/${pid}`, { throwIfNoEntry: false }) && !isZombie(pid))
    await new Promise((resolve) => setTimeout(resolve, 5))
}

function isZombie(pid: number): boolean {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

describe('zeros', () => {
  const KIB = 1 << 10
  const disk = (at: number | null, size = 64 * KIB) => {
    const bytes = Buffer.alloc(size)
    if (at !== null) bytes[at] = 1
    writeFileSync(join(dir, 'disk'), bytes)
    return join(dir, 'disk')
  }
  const zeros = (path: string, size = 64 * KIB, bytes = 16 * KIB) =>
    worker().call('zeros', { path, bytes, size }, DEADLINE_MS)

  test.each<[string, number | null, boolean]>([
    ['nothing', null, true],
    ['the first byte', 0, false],
    ['the last byte', 64 * KIB - 1, false],
    ['the last byte of the first part', 16 * KIB - 1, false],
    ['the first byte of the last part', 48 * KIB, false],
    ['a byte between, where a sample is taken', 32 * KIB, false],
  ])('%s', async (_, at, blank) => {
    expect(await zeros(disk(at))).toBe(blank)
  })

  test('a device smaller than a part', async () => {
    expect(await zeros(disk(null, KIB), KIB)).toBe(true)
    expect(await zeros(disk(KIB - 1, KIB), KIB)).toBe(false)
  })

  test('a device that ends early is an error', async () => {
    await expect(zeros(disk(null, KIB))).rejects.toMatchObject({ errno: 'EIO' })
  })
})

describe('claims', () => {
  test('a device that is not claimed cannot be flushed', async () => {
    await expect(worker().call('flush', { path: join(dir, 'disk') }, DEADLINE_MS)).rejects.toThrow(
      'is not claimed',
    )
  })

  test('a released claim is closed', async () => {
    const made = worker()
    const path = file('disk')
    const open = () => execFileSync('ls', ['-l', `/proc/${made.pid}/fd`], { encoding: 'utf8' }).includes(path)
    await made.call('claim', { path }, DEADLINE_MS)
    expect(open()).toBe(true)
    await made.call('release', { path }, DEADLINE_MS)
    expect(open()).toBe(false)
    await made.call('release', { path }, DEADLINE_MS)
  })
})

describe('directories', () => {
  test('missing directories are listed outermost first', async () => {
    expect(await worker().call('missingDirectories', { path: join(dir, 'a/b') }, DEADLINE_MS)).toEqual([
      join(dir, 'a'),
      join(dir, 'a/b'),
    ])
  })

  test('directories are created, reported as empty or not, and removed only if empty', async () => {
    const made = worker()
    const path = join(dir, 'a/b')
    expect(await made.call('makeDirectory', { path }, DEADLINE_MS)).toEqual({ link: false, empty: true })
    expect(await made.call('makeDirectory', { path: join(dir, 'a') }, DEADLINE_MS)).toEqual({
      link: false,
      empty: false,
    })
    expect(await made.call('removeDirectory', { path: join(dir, 'a') }, DEADLINE_MS)).toBe(false)
    expect(await made.call('removeDirectory', { path }, DEADLINE_MS)).toBe(true)
    expect(await made.call('removeDirectory', { path }, DEADLINE_MS)).toBe(true)
  })

  test('a directory that cannot be removed for another reason fails with that reason', async () => {
    await expect(worker().call('removeDirectory', { path: '/proc' }, DEADLINE_MS)).rejects.toMatchObject({
      errno: expect.stringMatching(/^(EBUSY|EACCES|EPERM)$/),
    })
  })

  test('a trusted directory is not created, not even in part, where other users can write', async () => {
    const open = join(dir, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    await expect(
      worker().call('makeDirectory', { path: join(open, 'v/w'), trusted: true }, DEADLINE_MS),
    ).rejects.toMatchObject({ errno: 'EPERM' })
    expect(readdirSync(open)).toEqual([])
  })
})

test('a call that blocks on a FIFO continues when the FIFO gets a reader', async () => {
  const path = fifo()
  const call = worker().call('write', { path, text: '1' }, DEADLINE_MS)
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  onTestFinished(() => closeSync(reader))
  await expect(call).resolves.toBeNull()
})
