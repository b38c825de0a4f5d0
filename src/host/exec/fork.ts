import type { ForkOptions } from 'node:child_process'
import { fork } from 'node:child_process'
import { isSea } from 'node:sea'
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

/** The word that makes a hand of the single-file program, which has no script beside it (src/cli/single.ts). */
export const HAND_ARGUMENT = 'hand'

/**
 * This very program, also where an upgrade has put another in its place since: an agent and its hands are of one version.
 * proc_pid_exe(5).
 */
const THIS_PROGRAM = { execPath: '/proc/self/exe', argv0: 'lunkeeper' }

const OPTIONS: ForkOptions = {
  // No pipe of ours, so that a stuck hand keeps no shell or service manager waiting.
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  detached: true,
  // Buffers travel as they are, not as JSON arrays.
  serialization: 'advanced',
  execArgv: [],
  env: { LC_ALL: 'C' },
}

export function startHand(): HandProcess {
  const child = isSea()
    ? fork(HAND_ARGUMENT, [], { ...OPTIONS, ...THIS_PROGRAM })
    : fork(fileURLToPath(SCRIPT), [], OPTIONS)
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
