import { createHash } from 'node:crypto'
import { closeSync, constants, linkSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { Mutex } from 'async-mutex'

import { LunkeeperError } from '../../model/errors.ts'
import { run } from '../exec/run.ts'
import type { Holder } from './socket.ts'
import { isDead, listen, waitFor } from './socket.ts'

export interface LockOptions {
  /** Told to those who wait: the operation and its volume. */
  readonly what: string
  /** Milliseconds to wait for the lock. */
  readonly deadline: number
  readonly signal?: AbortSignal | undefined
}

/** In one process, callers queue here first: only one of them meets the other processes. */
const queues = new Map<string, { mutex: Mutex; users: number }>()
let counter = 0

/**
 * Holds the lock `key` while `work` runs, against this and every other process that has `dir`.
 *
 * The lock is a listening unix socket: the kernel frees it when its holder dies, those who wait are
 * woken by the end of their connection, and it takes no program to start (flock(1) would, for each
 * lock; docs/decisions/0003-locks.md). It becomes visible by link(2), which only one can win, and
 * only once it listens; so a socket that refuses is a dead holder's, and is cleared under flock.
 *
 * @throws LOCKED somebody else has it, and had it until the deadline
 */
export async function withLock<T>(
  dir: string,
  key: string,
  options: LockOptions,
  work: () => Promise<T>,
): Promise<T> {
  // A hash: a socket's path has room for 107 characters only (unix(7)).
  const path = join(dir, createHash('sha256').update(key).digest('hex').slice(0, 24))
  const queue = queues.get(path) ?? { mutex: new Mutex(), users: 0 }
  queues.set(path, queue)
  queue.users++
  try {
    const started = Date.now()
    const leave = await enter(queue.mutex, options)
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      const lock = await acquire(path, {
        ...options,
        deadline: Math.max(0, options.deadline - (Date.now() - started)),
      })
      try {
        return await work()
      } finally {
        lock.release()
      }
    } finally {
      leave()
    }
  } finally {
    queue.users--
    if (queue.users === 0) queues.delete(path)
  }
}

async function enter(mutex: Mutex, options: LockOptions): Promise<() => void> {
  if (!mutex.isLocked()) return mutex.acquire()
  const waiting = mutex.acquire()
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), options.deadline)
  const cancel = () => resolve(null)
  options.signal?.addEventListener('abort', cancel, { once: true })
  try {
    const leave = await Promise.race([waiting, late])
    if (leave) return leave
    void waiting.then((release) => release())
    throw locked(options, null)
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', cancel)
  }
}

async function acquire(path: string, options: LockOptions): Promise<{ release(): void }> {
  const own = `${path}.${process.pid}.${++counter}`
  const socket = await listen(own, { pid: process.pid, what: options.what })
  const until = Date.now() + options.deadline
  try {
    while (!tryLink(own, path)) {
      const left = until - Date.now()
      const outcome = await waitFor(path, Math.max(1, left), options.signal)
      if (outcome.kind === 'dead') await clear(path)
      else if (outcome.kind === 'held') throw locked(options, outcome.holder)
    }
  } catch (error) {
    socket.close()
    rmSync(own, { force: true })
    throw error
  }
  rmSync(own, { force: true })
  return {
    release() {
      // Unlinked while it still listens: nobody can take it for a dead holder's.
      rmSync(path, { force: true })
      socket.close()
    },
  }
}

function tryLink(own: string, path: string): boolean {
  try {
    linkSync(own, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Removes what dead holders left at `path`; under flock, so that nobody removes a new holder's. */
async function clear(path: string): Promise<void> {
  const dir = dirname(path)
  // The guard stays: were it removed, two could hold flock on two files of the same name.
  const guard = openSync(join(dir, 'guard'), constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const ran = await run('flock', ['--exclusive', '--timeout', '5', '0'], {
      deadline: 10_000,
      file: guard,
    })
    if (ran.code !== 0) return
    for (const name of readdirSync(dir)) {
      const other = join(dir, name)
      if (other.startsWith(path) && (await isDead(other))) rmSync(other, { force: true })
    }
  } finally {
    closeSync(guard)
  }
}

function locked(options: LockOptions, holder: Holder | null): LunkeeperError {
  if (options.signal?.aborted)
    return new LunkeeperError('CANCELLED', `${options.what} was stopped while it waited`)
  const by = holder ? `process ${holder.pid} (${holder.what})` : 'another operation'
  return new LunkeeperError('LOCKED', `${options.what} waited ${options.deadline / 1000} s for ${by}`, {
    details: { holder },
  })
}
