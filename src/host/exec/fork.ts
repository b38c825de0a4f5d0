import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import type { Reply, Request } from '../hand/protocol.ts'

/** A hand that runs: see src/host/hand. */
export interface HandProcess {
  readonly pid: number
  send(request: Request): void
  onReply(listener: (reply: Reply) => void): void
  onExit(listener: () => void): void
  /** Kills it and forgets it; the kernel may keep it until it comes back from where it is stuck. */
  abandon(): void
  /** Whether this process may end although the hand is there. */
  keepAlive(yes: boolean): void
}

// Beside the single-file program once built; the source itself where Node runs TypeScript.
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? '../hand/main.ts' : './hand.js', import.meta.url)

export function startHand(): HandProcess {
  const child = fork(fileURLToPath(SCRIPT), [], {
    // No pipe of ours, so that a stuck hand keeps no shell or service manager waiting.
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    detached: true,
    // Buffers travel as they are, not as JSON arrays.
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
    // Not there where it could not be started at all; whoever waits is told by onExit.
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
