import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

import * as z from 'zod/mini'

import { parseNote } from '../store/json-note.ts'

const schema = z.object({ pid: z.number(), what: z.string() })

/** What a holder tells callers that wait. For display only. */
export type LockHolder = Readonly<z.output<typeof schema>>

/** What a caller sends that waits for the lock. A caller that only checks, or is patient, sends nothing. */
const WAITING = 'waiting\n'

/**
 * Listens at `path`. Every caller is told who holds the lock, and stays connected until the lock is released.
 * @param wanted called for each caller that waits for the lock
 */
export async function listen(
  path: string,
  holder: LockHolder,
  wanted: () => void,
): Promise<{ close(): void }> {
  const callers = new Set<Socket>()
  const server: Server = createServer((caller) => {
    callers.add(caller)
    caller.on('error', () => {})
    caller.on('close', () => callers.delete(caller))
    caller.on('data', wanted)
    caller.write(`${JSON.stringify(holder)}\n`)
    caller.unref()
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  server.unref()
  return {
    close() {
      server.close()
      for (const caller of callers) caller.destroy()
    },
  }
}

export type Outcome =
  /** The holder has released the lock, or died. */
  | { readonly kind: 'released' }
  /** No process listens: the holder is dead, and left its socket. */
  | { readonly kind: 'dead' }
  /** The lock was still held at the deadline. */
  | { readonly kind: 'held'; readonly holder: LockHolder | null }

/** When to connect again after the queue of connections was full. */
const RECONNECT_INTERVAL_MS = 20

/** Connects to the holder at `path` and waits until it releases the lock, for at most `deadline` milliseconds. */
export async function waitFor(
  path: string,
  deadline: number,
  { signal, patient }: { signal?: AbortSignal | undefined; patient?: boolean } = {},
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const caller = connect(path)
  if (!patient) caller.write(WAITING)
  let received = ''
  const held = () => resolve({ kind: 'held', holder: parseNote(received, schema) })
  const timer = setTimeout(held, deadline)
  signal?.addEventListener('abort', held, { once: true })
  caller.on('data', (data) => (received += data.toString()))
  caller.on('error', (error: NodeJS.ErrnoException) => {
    // EAGAIN: the holder's queue of connections is full, so the holder is alive.
    if (error.code === 'ECONNREFUSED') resolve({ kind: 'dead' })
    else if (error.code === 'EAGAIN') setTimeout(() => resolve({ kind: 'released' }), RECONNECT_INTERVAL_MS)
    else resolve({ kind: 'released' })
  })
  caller.on('close', () => resolve({ kind: 'released' }))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', held)
    caller.destroy()
  }
}

/** Whether no process listens at `path` any more. Only a refused connection proves it. */
export async function isDead(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const caller = connect(path)
  caller.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  caller.on('connect', () => resolve(false))
  try {
    return await promise
  } finally {
    caller.destroy()
  }
}
