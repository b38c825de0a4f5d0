import type { ChildProcess } from 'node:child_process'

/** How the wait for a program ended. */
export type Ending<T> =
  | { readonly kind: 'ended'; readonly result: T }
  | { readonly kind: 'deadline' | 'cancelled' }

/**
 * Waits for a program to end, but not beyond its deadline or the signal. A child in an uninterruptible wait survives
 * SIGKILL until the kernel releases it, so the caller must {@link abandon} a child that has not ended.
 * @param ended resolves with the result of the child
 */
export async function untilEnded<T>(
  ended: Promise<T>,
  { deadline, signal }: { readonly deadline: number; readonly signal?: AbortSignal | undefined },
): Promise<Ending<T>> {
  const { promise: stopped, resolve } = Promise.withResolvers<Ending<T>>()
  const timer = setTimeout(() => resolve({ kind: 'deadline' }), deadline)
  const cancel = () => resolve({ kind: 'cancelled' })
  if (signal?.aborted) cancel()
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    return await Promise.race([ended.then((result) => ({ kind: 'ended' as const, result })), stopped])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', cancel)
  }
}

/** Kills a child, closes its pipes, and does not wait for its end. */
export function abandon(child: ChildProcess): void {
  child.kill('SIGKILL')
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy()
  child.unref()
}
