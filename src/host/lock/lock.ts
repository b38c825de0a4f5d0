import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, existsSync, linkSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { Mutex } from 'async-mutex'

import { LunkeeperError } from '../../model/errors.ts'
import { run } from '../exec/run.ts'
import type { Holder } from './socket.ts'
import { isDead, listen, waitFor } from './socket.ts'

export interface LockOptions {
  /** Shown to waiting callers: the operation and its volume. */
  readonly what: string
  /** Milliseconds to wait for the lock. */
  readonly deadline: number
  readonly signal?: AbortSignal | undefined
  /** The holder need not hurry for this caller. */
  readonly patient?: boolean
}

/** Within one process callers queue here first: only one of them competes with other processes. */
const queues = new Map<string, Queue>()

interface Queue {
  readonly mutex: Mutex
  users: number
  /** Waiting callers that are not patient. */
  pressing: number
  /** The holder, or the caller that waits for another process, as shown to others here. */
  what: string | null
  /** Aborted once any caller waits for the holder. */
  wanted: AbortController
}

/**
 * Holds the lock `key` while `work` runs, against this and every other process that uses `dir`.
 *
 * The lock is a listening unix socket: the kernel frees it when its holder dies, waiting callers are woken by the end
 * of their connection, and no program has to be started (as flock(1) would, for each lock;
 * docs/decisions/0003-locks.md). It becomes visible by link(2), which only one caller can win, and only once it
 * listens; so a socket that refuses connections is a dead holder's, and is removed under flock.
 *
 * @param work its signal is aborted when a caller waits for the lock: work that can be retried may give way
 * @throws LOCKED it was held by another until the deadline · CANCELLED
 */
export async function withLock<T>(
  dir: string,
  key: string,
  options: LockOptions,
  work: (wanted: AbortSignal) => Promise<T>,
): Promise<T> {
  const path = pathOf(dir, key)
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
    // By the monotonic clock: one that is set must neither end a wait nor prolong it.
    const until = performance.now() + options.deadline
    const leave = await enter(queue, options)
    queue.what = options.what
    const wanted = new AbortController()
    queue.wanted = wanted
    // Another caller queued behind us meanwhile.
    if (queue.pressing > presses) wanted.abort()
    try {
      mkdirSync(dir, { recursive: true, mode: 0o700 })
      const lock = await acquire(path, until, options, () => wanted.abort())
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
  const path = pathOf(dir, key)
  return existsSync(path) && !(await isDead(path))
}

// A hash: a socket's path has room for 107 characters only (unix(7)).
function pathOf(dir: string, key: string): string {
  return join(dir, createHash('sha256').update(key).digest('hex').slice(0, 24))
}

async function enter(queue: Queue, options: LockOptions): Promise<() => void> {
  const { mutex } = queue
  // An earlier abort is not reported again.
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
  let stand = await takeStand(path, options, wanted)
  try {
    for (let cleared = false; ;) {
      const linked = tryLink(stand.own, path)
      if (linked === 'won') break
      if (linked === 'swept') {
        stand.leave()
        stand = await takeStand(path, options, wanted)
        continue
      }
      if (options.signal?.aborted) throw locked(options, null)
      const left = until - performance.now()
      const outcome = await waitFor(path, Math.max(1, left), options)
      if (outcome.kind === 'held') throw locked(options, outcome.holder)
      if (outcome.kind !== 'dead') continue
      if (cleared && left <= 0) throw locked(options, null)
      await clear(path)
      cleared = true
    }
  } catch (error) {
    stand.leave()
    throw error
  }
  rmSync(stand.own, { force: true })
  const { leave } = stand
  // A process that was killed while it waited left its socket.
  await sweep(path).catch(() => {})
  return {
    release() {
      // Unlinked while it still listens: it cannot be taken for a dead holder's.
      rmSync(path, { force: true })
      leave()
    },
  }
}

/**
 * A private socket to link from. Its name is random: process numbers repeat, and several containers have the same ones.
 */
async function takeStand(
  path: string,
  { what }: LockOptions,
  wanted: () => void,
): Promise<{ own: string; leave: () => void }> {
  const own = `${path}.${randomBytes(6).toString('hex')}`
  const socket = await listen(own, { pid: process.pid, what }, wanted)
  return {
    own,
    leave() {
      rmSync(own, { force: true })
      socket.close()
    },
  }
}

/** `swept`: another process took our socket for a dead one's, between its bind(2) and its listen(2). */
function tryLink(own: string, path: string): 'won' | 'held' | 'swept' {
  try {
    linkSync(own, path)
    return 'won'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return 'held'
    if (code === 'ENOENT') return 'swept'
    throw error
  }
}

/** Removes a dead holder's socket at `path`; under flock, so that a new holder's is never removed. */
async function clear(path: string): Promise<void> {
  const dir = dirname(path)
  // The guard stays: if it were removed, two processes could hold flock on two files of the same name.
  const guard = openSync(join(dir, 'guard'), constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const ran = await run('flock', ['--exclusive', '--timeout', '5', '0'], {
      deadline: 10_000,
      file: guard,
    })
    if (ran.code === 0 && (await isDead(path))) rmSync(path, { force: true })
  } finally {
    closeSync(guard)
  }
}

/** Removes the sockets of processes that died waiting. Their names are never reused, so no guard is needed. */
async function sweep(path: string): Promise<void> {
  for (const name of readdirSync(dirname(path))) {
    const other = join(dirname(path), name)
    if (other.startsWith(`${path}.`) && (await isDead(other))) rmSync(other, { force: true })
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
