import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { withLock } from '../../../../src/host/lock/lock.ts'
import { Worker } from './worker.ts'

let dir: string
let counter: string
beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), 'lunkeeper-lock-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  dir = join(root, 'locks')
  counter = join(root, 'counter')
})

const left = () => readdirSync(dir).filter((name) => name !== 'guard')

/** Every visit ends before the next one begins, unless its process was killed. No visit is counted twice. */
function expectNoOverlap(killed: ReadonlySet<number>): number {
  const visits = readFileSync(`${counter}.log`, 'utf8').trimEnd().split('\n')
  let inside: number | null = null
  let count = 0
  for (const visit of visits) {
    const [, what, number, pid] = /^(in|out) (\d+) (\d+)$/.exec(visit)!
    if (what === 'in') {
      if (inside !== null && !killed.has(inside)) throw new Error(`${pid} came in while ${inside} was inside`)
      // A killed process may have counted without printing that.
      if (Number(number) < count) throw new Error(`${pid} counts from ${number} after ${count}`)
      inside = Number(pid)
    } else {
      if (inside !== Number(pid)) throw new Error(`${pid} came out, and ${inside} was inside`)
      if (Number(number) <= count) throw new Error(`${pid} counts to ${number} after ${count}`)
      count = Number(number)
      inside = null
    }
  }
  return count
}

test('ten processes that find a dead holder at the same time each get the lock once, one after the other', async () => {
  const task = { dir, key: 'k', what: 'x', counter, hold: 2, times: 4, step: true }
  const workers = Array.from({ length: 10 }, () => new Worker(task))
  for (const worker of workers) expect(await worker.says()).toBe('ready')
  for (let round = 1; round <= task.times; round++) {
    const holder = new Worker({ dir, key: 'k', what: 'x' })
    expect(await holder.says()).toBe('ready')
    holder.go()
    expect(await holder.says()).toBe('held')
    await holder.kill()
    for (const worker of workers) worker.go()
    for (const worker of workers) {
      expect(await worker.says()).toBe('held')
      expect(await worker.says()).toBe('free')
    }
    expect(expectNoOverlap(new Set())).toBe(10 * round)
    expect(left()).toEqual([])
  }
  await Promise.all(workers.map((worker) => worker.ended))
  // If it were removed, two processes could each lock a different file of this name.
  expect(existsSync(join(dir, 'guard'))).toBe(true)
})

test('processes that are killed at any moment never hold the lock together, lose no count, and leave nothing behind', async () => {
  const killed = new Set<number>()
  const task = { dir, key: 'k', what: 'x', counter, hold: 1, times: 1_000_000 }
  const start = () => {
    const worker = new Worker(task)
    worker.go()
    return worker
  }
  const workers = Array.from({ length: 6 }, start)
  let seed = 42
  for (let kills = 0; kills < 40; kills++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    await new Promise((resolve) => setTimeout(resolve, 10 + (seed % 50)))
    const at = seed % workers.length
    const victim = workers[at]!
    killed.add(victim.pid)
    await victim.kill()
    workers[at] = start()
  }
  for (const worker of workers) killed.add(worker.pid)
  await Promise.all(workers.map((worker) => worker.kill()))
  const count = expectNoOverlap(killed)
  expect(count).toBeGreaterThan(20)
  expect(Number(readFileSync(counter, 'utf8')) - count).toBeOneOf([0, 1])
  await withLock(dir, 'k', { what: 'x', deadline: 5_000 }, async () => 0)
  expect(left()).toEqual([])
})
