import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** A holder's description for waiting callers: shown to people, decides nothing. */
export interface Holder {
  readonly pid: number
  readonly what: string
}

/** Sent by a caller that waits for the lock; one that only checks, or is patient, sends nothing. */
const WAITING = 'waiting\n'

/**
 * Listens at `path`, tells every caller who holds it, and keeps the connection open until the lock is released.
 * @param wanted called for each caller that waits
 */
export async function listen(path: string, holder: Holder, wanted: () => void): Promise<{ close(): void }> {
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
  /** The holder released it, or died. */
  | { readonly kind: 'released' }
  /** No process listens: the holder is dead, and its socket remained. */
  | { readonly kind: 'dead' }
  /** Still held at the deadline. */
  | { readonly kind: 'held'; readonly holder: Holder | null }

/** Connects to the holder at `path` and waits until it releases the lock, for at most `deadline` milliseconds. */
export async function waitFor(
  path: string,
  deadline: number,
  { signal, patient }: { signal?: AbortSignal | undefined; patient?: boolean } = {},
): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const caller = connect(path)
  if (!patient) caller.write(WAITING)
  let heard = ''
  const held = () => resolve({ kind: 'held', holder: parseHolder(heard) })
  const timer = setTimeout(held, deadline)
  signal?.addEventListener('abort', held, { once: true })
  caller.on('data', (data) => (heard += data.toString()))
  caller.on('error', (error: NodeJS.ErrnoException) => {
    // EAGAIN: its queue of callers is full, so it is alive.
    if (error.code === 'ECONNREFUSED') resolve({ kind: 'dead' })
    else if (error.code === 'EAGAIN') setTimeout(() => resolve({ kind: 'released' }), 20)
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

/** Whether no process listens at `path` any more. When in doubt, one does. */
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

function parseHolder(text: string): Holder | null {
  try {
    const { pid, what } = JSON.parse(text) as Partial<Holder>
    return typeof pid === 'number' && typeof what === 'string' ? { pid, what } : null
  } catch {
    return null
  }
}
