import { setTimeout as sleep } from 'node:timers/promises'

import type { LunkeeperError } from '../../model/errors.ts'

/** A program whose I/O fails ends at once; until then it keeps the device open. */
const END_MS = 5_000

export interface StopOptions {
  /** Resolves to the reason for which the work must not go on. It ends with the signal. */
  readonly watch: (over: AbortSignal) => Promise<LunkeeperError>
  /** Lets the I/O of the work fail, so that it ends; without it, only the wait ends. */
  readonly stop?: ((reason: LunkeeperError) => Promise<void>) | undefined
  /** Ends the wait for the work. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Waits for work, unless there is a reason to stop it. A program that waits for I/O cannot be killed.
 * @param work its wait ends with the signal
 * @throws the reason · as the work, `watch` and `stop`
 */
export async function stoppable<T>(
  work: (over: AbortSignal) => Promise<T>,
  { watch, stop, signal }: StopOptions,
): Promise<T> {
  const over = new AbortController()
  const done = work(signal ? AbortSignal.any([signal, over.signal]) : over.signal)
  const ended = done.then(
    () => null,
    () => null,
  )
  const stopped = watch(over.signal)
  stopped.catch(() => {})
  try {
    const reason = await Promise.race([ended, stopped])
    if (reason === null) return await done
    if (stop) {
      await stop(reason)
      await Promise.race([ended, sleep(END_MS, undefined, { signal: over.signal })])
    }
    throw reason
  } finally {
    over.abort()
  }
}
