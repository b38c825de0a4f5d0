import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { withLock } from '../../../../src/host/lock/lock.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lunkeeper-lock-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
})

const options = { what: 'attach of x', deadline: 5_000 }
const left = () => readdirSync(dir).filter((name) => name !== 'guard')

/** A lock that is held until `letGo` is called. */
async function hold(key: string, what = 'attach of x'): Promise<{ letGo(): Promise<void> }> {
  const held = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const lock = withLock(dir, key, { what, deadline: 1_000 }, async () => {
    held.resolve()
    await over.promise
  })
  await Promise.race([held.promise, lock])
  return {
    async letGo() {
      over.resolve()
      await lock
    },
  }
}

test('callers hold the lock one at a time, in order, and leave nothing in the directory', async () => {
  const order: string[] = []
  const visit = (name: string) =>
    withLock(dir, 'k', options, async () => {
      order.push(`${name} in`)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(`${name} out`)
    })
  await Promise.all(['a', 'b', 'c', 'd'].map(visit))
  expect(order).toEqual(['a in', 'a out', 'b in', 'b out', 'c in', 'c out', 'd in', 'd out'])
  expect(left()).toEqual([])
})

test('withLock returns or throws what its work does, and frees the lock', async () => {
  await expect(withLock(dir, 'k', options, async () => 7)).resolves.toBe(7)
  await expect(
    withLock(dir, 'k', options, async () => {
      throw new TypeError('of the work')
    }),
  ).rejects.toThrow('of the work')
  await expect(withLock(dir, 'k', { ...options, deadline: 0 }, async () => 8)).resolves.toBe(8)
  expect(left()).toEqual([])
})

test('a caller with another key does not wait', async () => {
  const held = await hold('volume a')
  await expect(withLock(dir, 'volume b', { ...options, deadline: 0 }, async () => 1)).resolves.toBe(1)
  await held.letGo()
})

test('a key can be long and have any characters: it is not used as a path', async () => {
  await expect(withLock(dir, `../${'x'.repeat(300)}/\0`, options, async () => 1)).resolves.toBe(1)
})

test('a caller that timed out does not keep its place in the queue', async () => {
  const held = await hold('k')
  const early = withLock(dir, 'k', { ...options, deadline: 10 }, async () => 0)
  const late = withLock(dir, 'k', options, async () => 1)
  await expect(early).rejects.toMatchObject({ code: 'LOCKED' })
  await held.letGo()
  await expect(late).resolves.toBe(1)
})

describe('the error of a caller that does not get the lock says', () => {
  test('which process holds the lock, for which operation', async () => {
    const held = await hold('k', 'detach of y')
    const waiting = withLock(dir, 'k', { what: 'attach of x', deadline: 30 }, async () => 0)
    await expect(waiting).rejects.toMatchObject({
      code: 'LOCKED',
      message: `attach of x waited 0.03 s for process ${process.pid} (detach of y)`,
      details: { holder: { pid: process.pid, what: 'detach of y' } },
    })
    await held.letGo()
  })

  test('that it was stopped', async () => {
    const held = await hold('k')
    const stop = new AbortController()
    const waiting = withLock(dir, 'k', { ...options, signal: stop.signal }, async () => 0)
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' })
    await held.letGo()
  })

  test('that it was stopped before it waited; its work does not start', async () => {
    const held = await hold('k')
    let began = false
    const work = async () => {
      began = true
    }
    for (const key of ['k', 'free'])
      await expect(
        withLock(dir, key, { ...options, signal: AbortSignal.abort() }, work),
      ).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(began).toBe(false)
    await held.letGo()
  })
})

describe('the signal of the work tells the holder that another caller waits', () => {
  /** Holds the lock until it is wanted, or for 300 ms. @returns whether it was wanted */
  const yielding = () =>
    withLock(dir, 'k', options, async (wanted) => {
      for (let turn = 0; turn < 30 && !wanted.aborted; turn++) await sleep(10)
      return wanted.aborted
    })

  test('in this process', async () => {
    const first = yielding()
    await expect(withLock(dir, 'k', options, async () => 2)).resolves.toBe(2)
    await expect(first).resolves.toBe(true)
  })

  test('also for a caller that came before the holder got the lock', async () => {
    const held = await hold('k')
    const first = yielding()
    const second = withLock(dir, 'k', options, async () => 2)
    await held.letGo()
    await expect(first).resolves.toBe(true)
    await expect(second).resolves.toBe(2)
  })

  test('but not for a patient caller', async () => {
    const first = yielding()
    const second = withLock(dir, 'k', { ...options, patient: true }, async (wanted) => wanted.aborted)
    await expect(first).resolves.toBe(false)
    await expect(second).resolves.toBe(false)
  })
})
