import type { ChildProcess, ForkOptions } from 'node:child_process'
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
  // No pipe of ours, so that a stuck process keeps no shell or service manager waiting.
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  detached: true,
  // Buffers travel as they are, not as JSON arrays.
  serialization: 'advanced',
  execArgv: [],
  env: { LC_ALL: 'C' },
}

/**
 * Starts another part of this program as a process of its own, with a channel for messages.
 * @param script its module
 * @param argument the word that makes the single-file program this part (src/cli/single.ts)
 */
function forkPart(script: URL, argument: string, options: ForkOptions = OPTIONS): ChildProcess {
  const child = isSea()
    ? fork(argument, [], { ...options, ...THIS_PROGRAM })
    : fork(fileURLToPath(script), [], options)
  child.on('error', () => {})
  return child
}

/** A part of this program that runs as a process of its own: it ends when its channel does. */
export interface PartProcess<To, From> {
  readonly pid: number
  send(message: To): void
  onMessage(listener: (message: From) => void): void
  onExit(listener: () => void): void
  kill(): void
}

/**
 * Starts a part that starts programs as this process does, so it has its environment.
 * @param script its module
 * @param argument the word that makes the single-file program this part (src/cli/single.ts)
 */
export function startPart<To extends object, From>(script: URL, argument: string): PartProcess<To, From> {
  const child = forkPart(script, argument, { ...OPTIONS, env: process.env })
  child.unref()
  return {
    pid: child.pid ?? 0,
    send: (message) => void (child.connected && child.send(message, () => {})),
    onMessage: (listener) => void child.on('message', (message) => listener(message as From)),
    onExit: (listener) => void child.once(child.pid === undefined ? 'error' : 'exit', () => listener()),
    kill: () => void child.kill('SIGKILL'),
  }
}

export function startHand(): HandProcess {
  const child = forkPart(SCRIPT, HAND_ARGUMENT)
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
