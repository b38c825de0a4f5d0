import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Worker } from '../../../../src/host/worker/worker.ts'
import { WorkerPool } from '../../../../src/host/worker/worker-pool.ts'

let dir: string
let workers: WorkerPool
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-workers-'))
  workers = new WorkerPool()
  onTestFinished(() => {
    workers.close()
    rmSync(dir, { recursive: true, force: true })
  })
})

const DEADLINE_MS = 20_000
const look = (worker: Worker) => worker.call('missingDirectories', { path: dir }, DEADLINE_MS)
const ended = (worker: Worker) => new Promise<void>((resolve) => worker.onExit(resolve))

/** Makes a call in a lane that blocks until its deadline. @returns its worker */
async function stuck(lane: string | null, deadline = 50): Promise<Worker> {
  const path = join(dir, `fifo-${Math.random()}`)
  execFileSync('mkfifo', [path])
  const used = Promise.withResolvers<Worker>()
  const call = workers.use(lane, async (worker) => {
    await look(worker)
    used.resolve(worker)
    return worker.call('write', { path, text: '1' }, deadline)
  })
  await expect(call).rejects.toMatchObject({ code: 'STUCK' })
  return used.promise
}

test('successive calls use one worker', async () => {
  const pids = new Set<number>()
  for (let call = 0; call < 5; call++)
    await workers.use('host3', async (worker) => {
      await look(worker)
      pids.add(worker.pid)
    })
  expect(pids.size).toBe(1)
})

test('a hundred calls at once do not start a hundred processes', async () => {
  await workers.use(null, look)
  const pids = new Set<number>()
  const call = () =>
    workers.use(null, async (worker) => {
      await look(worker)
      pids.add(worker.pid)
    })
  await Promise.all(Array.from({ length: 100 }, call))
  expect(pids.size).toBeLessThanOrEqual(4)
})

test('a call within a call gets another worker: what is claimed is looked at meanwhile', async () => {
  await expect(workers.use(null, () => workers.use(null, look))).resolves.toEqual([])
})

test('while one is stuck, others continue', async () => {
  const path = join(dir, 'fifo')
  execFileSync('mkfifo', [path])
  const call = workers.use('host3', (worker) => worker.call('write', { path, text: '1' }, 5_000))
  call.catch(() => {})
  await expect(workers.use('host4', look)).resolves.toEqual([])
  await expect(workers.use(null, look)).resolves.toEqual([])
  execFileSync('cat', [path])
  await expect(call).resolves.toBeNull()
})

test('a waiting caller is never given a stuck worker', async () => {
  const [, waiting] = await Promise.all([stuck('host3'), workers.use('host4', look)])
  expect(waiting).toEqual([])
})

test('a stuck lane refuses at once, and tells why; others are open; it opens when the kernel lets go', async () => {
  const worker = await stuck('host3')
  const again = workers.use('host3', look)
  await expect(again).rejects.toMatchObject({
    code: 'STUCK',
    message: expect.stringContaining('did not return'),
  })
  await expect(workers.use('host4', look)).resolves.toEqual([])
  await ended(worker)
  await expect(workers.use('host3', look)).resolves.toEqual([])
})

test('a call that fails leaves its worker and its lane as they were', async () => {
  let pid = 0
  await expect(
    workers.use('host3', async (worker) => {
      pid = worker.pid
      return worker.call('write', { path: join(dir, 'none'), text: '1' }, DEADLINE_MS)
    }),
  ).rejects.toMatchObject({ errno: 'ENOENT' })
  await expect(workers.use('host3', async (worker) => worker.pid)).resolves.toBe(pid)
})

test('a worker that died while it was idle is not handed out', async () => {
  const pid = await workers.use(null, async (worker) => {
    await look(worker)
    return worker
  })
  process.kill(pid.pid, 'SIGKILL')
  await ended(pid)
  await expect(workers.use(null, look)).resolves.toEqual([])
})

test('warm starts one, and the first call uses it', async () => {
  workers.warm()
  workers.warm()
  await workers.use(null, look)
  const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'args='], { encoding: 'utf8' })
  expect(children.split('\n').filter((line) => line.includes('worker/main.ts'))).toHaveLength(1)
})

test('a worker that was started ahead of time and never used keeps no process from ending', () => {
  const source = join(import.meta.dirname, '../../../../src/host/worker/worker-pool.ts')
  const script = `import { WorkerPool } from ${JSON.stringify(source)}; new WorkerPool().warm()`
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 })
  expect(workers).toBeDefined()
})

test('a worker that is idle for a while is stopped, and the next call gets another one', async () => {
  const quick = new WorkerPool(100)
  onTestFinished(() => quick.close())
  const first = await quick.use(null, async (worker) => {
    await look(worker)
    return worker
  })
  await ended(first)
  const second = await quick.use(null, async (worker) => {
    await look(worker)
    return worker
  })
  expect(second.pid).not.toBe(first.pid)
})
