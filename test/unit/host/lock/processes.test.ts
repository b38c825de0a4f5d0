import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { isLocked, withLock } from '../../../../src/host/lock/lock.ts'
import { Worker } from './worker.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-lock-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const left = () => readdirSync(dir).filter((name) => name !== 'guard')

async function started(task: Readonly<Record<string, unknown>> = {}): Promise<Worker> {
  const worker = new Worker({ dir, key: 'k', what: 'attach of x', ...task })
  expect(await worker.says()).toBe('ready')
  return worker
}

async function holding(task: Readonly<Record<string, unknown>> = {}): Promise<Worker> {
  const worker = await started(task)
  worker.go()
  expect(await worker.says()).toBe('held')
  return worker
}

test('another process waits, and gets the lock as soon as it is released', async () => {
  const [first, second] = [await holding(), await started()]
  second.go()
  const order: string[] = []
  const next = second.says().then((line) => order.push(line))
  await expect(withLock(dir, 'k', { what: 'x', deadline: 50 }, async () => 0)).rejects.toMatchObject({
    code: 'LOCKED',
  })
  order.push('let go')
  first.go()
  await next
  expect(order).toEqual(['let go', 'held'])
  second.go()
  await Promise.all([first.ended, second.ended])
  expect(left()).toEqual([])
})

test('the deadline names the process and its operation', async () => {
  const holder = await holding({ what: 'expand of y' })
  const waiting = withLock(dir, 'k', { what: 'attach of x', deadline: 500 }, async () => 0)
  await expect(waiting).rejects.toMatchObject({
    code: 'LOCKED',
    message: `attach of x waited 0.5 s for process ${holder.pid} (expand of y)`,
    details: { holder: { pid: holder.pid, what: 'expand of y' } },
  })
})

test('a holder that is stopped keeps the lock, and a waiting caller gives up at its deadline', async () => {
  const holder = await holding()
  process.kill(holder.pid, 'SIGSTOP')
  const waiting = withLock(dir, 'k', { what: 'attach of x', deadline: 50 }, async () => 0)
  await expect(waiting).rejects.toMatchObject({ code: 'LOCKED' })
})

test('a waiting caller can be cancelled', async () => {
  await holding()
  const stop = new AbortController()
  const waiting = withLock(dir, 'k', { what: 'x', deadline: 60_000, signal: stop.signal }, async () => 0)
  setTimeout(() => stop.abort(), 30)
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
})

test('when the holder is killed, the next caller gets the lock immediately', async () => {
  // The best of several: on a busy machine a process may wait that long just for its turn.
  const times: number[] = []
  for (let round = 0; round < 8; round++) {
    const holder = await holding()
    const waiting = withLock(dir, 'k', { what: 'x', deadline: 5_000 }, async () => performance.now())
    while (left().length < 2) await new Promise((resolve) => setImmediate(resolve))
    process.kill(holder.pid, 'SIGKILL')
    const killed = performance.now()
    times.push((await waiting) - killed)
    if (times.at(-1)! < 50) break
  }
  // Polling would show here: a look every second, or the deadline of 5 s.
  expect(Math.min(...times)).toBeLessThan(900)
  expect(left()).toEqual([])
})

test('the socket of a caller that was killed while it waited is removed at the next use', async () => {
  const holder = await holding()
  const waiter = await started()
  waiter.go()
  while (left().length < 2) await new Promise((resolve) => setImmediate(resolve))
  await waiter.kill()
  holder.go()
  await holder.ended
  await withLock(dir, 'k', { what: 'x', deadline: 5_000 }, async () => 0)
  expect(left()).toEqual([])
})

test('a dead holder does not block a caller, not even one with a deadline of 0', async () => {
  await (await holding()).kill()
  expect(left()).toHaveLength(1)
  await expect(withLock(dir, 'k', { what: 'x', deadline: 0 }, async () => 1)).resolves.toBe(1)
  expect(left()).toEqual([])
})

test('setting the clock back does not prolong a wait', async () => {
  const holder = await holding()
  const set = vi.spyOn(Date, 'now')
  onTestFinished(() => set.mockRestore())
  const late = withLock(dir, 'k', { what: 'x', deadline: 300 }, async () => 0)
  set.mockReturnValue(Date.now() - 86_400_000)
  await expect(late).rejects.toMatchObject({ code: 'LOCKED' })
  holder.go()
  await holder.ended
})

test('the holder is notified of another process that waits, but not of one that is patient or only checks', async () => {
  const [pressing, patient] = [await started(), await started({ patient: true })]
  const seen = await withLock(dir, 'k', { what: 'x', deadline: 5_000 }, async (wanted) => {
    expect(await isLocked(dir, 'k')).toBe(true)
    patient.go()
    await sleep(300)
    const early = wanted.aborted
    pressing.go()
    await Promise.race([once(wanted, 'abort'), sleep(10_000)])
    return [early, wanted.aborted]
  })
  expect(seen).toEqual([false, true])
  for (const worker of [pressing, patient]) await worker.kill()
})
