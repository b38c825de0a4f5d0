import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { Reply, Request } from '../hand/protocol.ts'

/** A running worker process ("hand"): see src/host/hand. */
export interface HandProcess {
  readonly pid: number
  send(request: Request): void
  onReply(listener: (reply: Reply) => void): void
  onExit(listener: () => void): void
  /** Kills it and forgets it; the kernel may keep it until the call it is stuck in returns. */
  abandon(): void
  /** Whether this process may end while the worker exists. */
  keepAlive(yes: boolean): void
}

// Beside the bundled program; the source itself if Node runs TypeScript.
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? '../hand/main.ts' : './hand.js', import.meta.url)

export function startHand(): HandProcess {
  const child = fork(fileURLToPath(SCRIPT), [], {
    // No pipe of ours, so that a stuck worker does not keep a shell or service manager waiting.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
    // Buffers are sent as they are, not as JSON arrays.
    serialization: 'advanced',
    execArgv: [],
    env: { LC_ALL: 'C' },
  })
  child.on('error', () => {})
  const keepAlive = (yes: boolean) => {
    if (yes) child.ref()
    else child.unref()
    const channel = child.channel as { ref(): void; unref(): void } | null | undefined
    if (yes) channel?.ref()
    else channel?.unref()
  }
  keepAlive(false)
  return {
    pid: child.pid ?? 0,
    // Missing if it could not be started at all; waiting callers are notified by onExit.
    send: (request) => void (child.pid !== undefined && child.send(request, () => {})),
    onReply: (listener) => void child.on('message', (message) => listener(message as Reply)),
    onExit: (listener) => void child.once(child.pid === undefined ? 'error' : 'exit', () => listener()),
    abandon: () => {
      child.kill('SIGKILL')
      keepAlive(false)
    },
    keepAlive,
  }
}
