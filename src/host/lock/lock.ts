import { randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, linkSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { Mutex } from 'async-mutex'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { run } from '../exec/run.ts'
import { makeDirectory } from '../store/make-directory.ts'
import { storeError } from '../store/store-error.ts'
import type { LockHolder } from './socket.ts'
import { RANDOM_BYTES, refuseLongPath, socketPath } from './socket-path.ts'
import { isDead, listen, waitFor } from './socket.ts'

export interface LockOptions {
  /** The operation and its volume, as shown to callers that wait for the lock. */
  readonly what: string
  /** Milliseconds to wait for the lock. */
  readonly deadline: number
  /** Aborting it ends the wait. */
  readonly signal?: AbortSignal | undefined
  /** The holder is not asked to give way to this caller. @default false */
  readonly patient?: boolean
}

/** Callers of one process queue here first, so that only one of them competes with other processes. */
const queues = new Map<string, Queue>()

interface Queue {
  readonly mutex: Mutex
  users: number
  /** Callers in the queue, the holder included, that are not patient. */
  pressing: number
  /** What the holder, or the caller that waits for another process, is doing; shown to the callers behind it. */
  what: string | null
  /** Aborted when a caller waits for the holder. */
  wanted: AbortController
}

/**
 * Runs `work` while holding the lock `key`, which excludes all callers in this and every other process that uses `dir`.
 *
 * The lock is a listening unix socket. The kernel closes it when its holder dies, which wakes the callers that are
 * connected to it, and no program has to be started (flock(1) would have to be, for each lock; docs/decisions/0003-locks.md).
 * The socket gets its public name by link(2), which only one caller can win, and only after it listens. So a socket that
 * refuses connections belongs to a dead holder, and is removed under flock.
 *
 * @param work its signal is aborted when another caller waits for the lock, so that work that can be retried may give way
 * @throws LOCKED another caller held the lock until the deadline · CANCELLED · USAGE the path of `dir` is too long ·
 * NO_SPACE NO_PERMISSION RECORD_UNWRITABLE no lock can be made
 */
export async function withLock<T>(
  dir: string,
  key: string,
  options: LockOptions,
  work: (wanted: AbortSignal) => Promise<T>,
): Promise<T> {
  const path = socketPath(dir, key)
  refuseLongPath(path)
  const queue: Queue = queues.get(path) ?? {
    mutex: new Mutex(),
    users: 0,
    pressing: 0,
    what: null,
    wanted: new AbortController(),
  }
  queues.set(path, queue)
  queue.users++
  const presses = options.patient ? 0 : 1
  queue.pressing += presses
  try {
    // Monotonic: a change of the wall clock must neither end nor prolong a wait.
    const until = performance.now() + options.deadline
    const leave = await enter(queue, options)
    queue.what = options.what
    const wanted = new AbortController()
    queue.wanted = wanted
    // Another caller queued behind us meanwhile.
    if (queue.pressing > presses) wanted.abort()
    try {
      makeDirectory(dir)
      const lock = await acquire(path, until, options, () => wanted.abort()).catch((error: unknown) => {
        throw isLunkeeperError(error) ? error : unusable(dir, error)
      })
      try {
        return await work(wanted.signal)
      } finally {
        lock.release()
      }
    } finally {
      leave()
    }
  } finally {
    queue.users--
    queue.pressing -= presses
    if (queue.users === 0) queues.delete(path)
  }
}

/** Whether the lock is currently held. */
export async function isLocked(dir: string, key: string): Promise<boolean> {
  const path = socketPath(dir, key)
  return existsSync(path) && !(await isDead(path))
}

async function enter(queue: Queue, options: LockOptions): Promise<() => void> {
  const { mutex } = queue
  // An abort before this raises no event any more.
  if (options.signal?.aborted) throw locked(options, null)
  if (!mutex.isLocked()) return mutex.acquire()
  const waiting = mutex.acquire()
  if (!options.patient) queue.wanted.abort()
  const { promise: late, resolve } = Promise.withResolvers<null>()
  const timer = setTimeout(() => resolve(null), options.deadline)
  const cancel = () => resolve(null)
  options.signal?.addEventListener('abort', cancel, { once: true })
  try {
    const leave = await Promise.race([waiting, late])
    if (leave) return leave
    void waiting.then((release) => release())
    throw locked(options, queue.what === null ? null : { pid: process.pid, what: queue.what })
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', cancel)
  }
}

async function acquire(
  path: string,
  until: number,
  options: LockOptions,
  wanted: () => void,
): Promise<{ release(): void }> {
  let own = await listenPrivately(path, options, wanted)
  try {
    for (let cleared = false; ;) {
      const linked = tryLink(own.path, path)
      if (linked === 'won') break
      if (linked === 'removed') {
        own.close()
        own = await listenPrivately(path, options, wanted)
        continue
      }
      if (options.signal?.aborted) throw locked(options, null)
      const left = until - performance.now()
      const outcome = await waitFor(path, Math.max(1, left), options)
      if (outcome.kind === 'held') throw locked(options, outcome.holder)
      if (outcome.kind !== 'dead') continue
      if (cleared && left <= 0) throw locked(options, null)
      await removeDeadHolder(path)
      cleared = true
    }
  } catch (error) {
    own.close()
    throw error
  }
  rmSync(own.path, { force: true })
  // Processes that were killed while they waited left their sockets.
  await removeDeadWaiters(path).catch(() => {})
  return {
    release() {
      // The name goes before the socket is closed, so that no caller takes it for a dead holder's.
      rmSync(path, { force: true })
      own.close()
    },
  }
}

/**
 * Listens on a socket with a private name, for link(2). The name is random, because process numbers repeat, and several
 * containers have the same ones.
 */
async function listenPrivately(
  path: string,
  { what }: LockOptions,
  wanted: () => void,
): Promise<{ path: string; close: () => void }> {
  const own = `${path}.${randomBytes(RANDOM_BYTES).toString('hex')}`
  const socket = await listen(own, { pid: process.pid, what }, wanted)
  return {
    path: own,
    close() {
      rmSync(own, { force: true })
      socket.close()
    },
  }
}

/** `removed`: another process took our socket for a dead process's, between its bind(2) and its listen(2). */
function tryLink(own: string, path: string): 'won' | 'held' | 'removed' {
  try {
    linkSync(own, path)
    return 'won'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return 'held'
    if (code === 'ENOENT') return 'removed'
    throw error
  }
}

/** The 5 s of flock(1), and time for it to start; its holder only checks and removes one socket. */
const FLOCK_DEADLINE_MS = 10_000

/** Removes the socket of a dead holder: under flock, so that the socket of a new holder is never removed. */
async function removeDeadHolder(path: string): Promise<void> {
  const dir = dirname(path)
  // The guard file stays: if it were removed, two processes could each lock a different file of this name.
  const guard = openSync(join(dir, 'guard'), constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const ran = await run('flock', ['--exclusive', '--timeout', '5', '0'], {
      deadline: FLOCK_DEADLINE_MS,
      file: guard,
    })
    if (ran.code === 0 && (await isDead(path))) rmSync(path, { force: true })
  } finally {
    closeSync(guard)
  }
}

/** Removes the sockets of processes that died while they waited. Names are never reused, so this needs no flock. */
async function removeDeadWaiters(path: string): Promise<void> {
  for (const name of readdirSync(dirname(path))) {
    const other = join(dirname(path), name)
    if (other.startsWith(`${path}.`) && (await isDead(other))) rmSync(other, { force: true })
  }
}

/** @param cause the error of a system call on a socket or its link */
function unusable(dir: string, cause: unknown): LunkeeperError {
  return storeError(`no lock can be made in ${dir}: ${(cause as Error).message}`, join(dir, 'lock'), cause)
}

function locked(options: LockOptions, holder: LockHolder | null): LunkeeperError {
  if (options.signal?.aborted)
    return new LunkeeperError('CANCELLED', `${options.what} was stopped while it waited`)
  const by = holder ? `process ${holder.pid} (${holder.what})` : 'another operation'
  return new LunkeeperError('LOCKED', `${options.what} waited ${options.deadline / 1000} s for ${by}`, {
    details: { holder },
  })
}
