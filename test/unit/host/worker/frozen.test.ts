import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Worker } from '../../../../src/host/worker/worker.ts'
import { WorkerPool } from '../../../../src/host/worker/worker-pool.ts'

// A process in a frozen cgroup (v1) survives SIGKILL until it is thawed, like a process in an uninterruptible wait
// in the kernel. Where no such cgroup is available, the lab tests the real thing.
const FREEZER = '/sys/fs/cgroup/freezer'
const isThere = process.getuid?.() === 0 && existsSync(join(FREEZER, 'tasks'))

const DEADLINE_MS = 20_000
const look = (worker: Worker) => worker.call('missingDirectories', { path: '/' }, DEADLINE_MS)

let count = 0

/** Freezes a process. The returned function thaws it, and resolves when it is gone if it was killed meanwhile. */
function freeze(worker: Worker): () => Promise<void> {
  const group = join(FREEZER, `lunkeeper-${process.pid}-${++count}`)
  mkdirSync(group)
  const state = (word: string) => writeFileSync(join(group, 'freezer.state'), word)
  onTestFinished(async () => {
    state('THAWED')
    worker.dismiss()
    while (readFileSync(join(group, 'cgroup.procs'), 'utf8') !== '') await pause(5)
    rmdirSync(group)
  })
  writeFileSync(join(group, 'cgroup.procs'), String(worker.pid))
  state('FROZEN')
  const ended = new Promise<void>((resolve) => worker.onExit(resolve))
  return () => {
    state('THAWED')
    return ended
  }
}

/** Two workers of a pool at once, both free again afterwards. */
async function twoOf(workers: WorkerPool): Promise<[Worker, Worker]> {
  return workers.use(null, (first) =>
    workers.use(null, async (second) => {
      await Promise.all([look(first), look(second)])
      return [first, second] as [Worker, Worker]
    }),
  )
}

const short = (worker: Worker) => worker.call('missingDirectories', { path: '/' }, 100)
const refused = { code: 'STUCK', message: expect.stringContaining('host3 is stuck in the kernel') }

test.skipIf(!isThere)(
  'a worker that not even SIGKILL ends: left behind at its deadline, its lane closed until the kernel lets go',
  async () => {
    const workers = new WorkerPool()
    onTestFinished(() => workers.close())
    const worker = await workers.use(null, async (worker) => {
      await look(worker)
      return worker
    })
    const thaw = freeze(worker)
    await expect(workers.use('host3', short)).rejects.toMatchObject({
      code: 'STUCK',
      details: { pid: worker.pid },
    })
    // It was killed, but still exists.
    process.kill(worker.pid, 0)
    await expect(workers.use('host3', look)).rejects.toMatchObject(refused)
    await expect(workers.use('host4', look)).resolves.toEqual([])
    await thaw()
    await expect(workers.use('host3', look)).resolves.toEqual([])
  },
)

test.skipIf(!isThere)('two that are stuck in one lane: it stays closed until both are back', async () => {
  const workers = new WorkerPool()
  onTestFinished(() => workers.close())
  const [thawFirst, thawSecond] = (await twoOf(workers)).map(freeze)
  const outcomes = await Promise.allSettled([workers.use('host3', short), workers.use('host3', short)])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await thawFirst!()
  await expect(workers.use('host3', look)).rejects.toMatchObject(refused)
  await thawSecond!()
  await expect(workers.use('host3', look)).resolves.toEqual([])
})
