import type { ChildProcess, ForkOptions } from 'node:child_process'
import { fork } from 'node:child_process'
import { isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'

import type { Reply, Request } from '../worker/protocol.ts'

/** A running worker process: see src/host/worker. */
export interface WorkerProcess {
  readonly pid: number
  send(request: Request): void
  onReply(listener: (reply: Reply) => void): void
  onExit(listener: () => void): void
  /** Kills the worker without waiting for its end: it may be stuck in a system call. */
  abandon(): void
  /** Whether the worker keeps this process running. */
  keepAlive(yes: boolean): void
}

// Beside the bundled program; the source itself if Node runs TypeScript.
const SCRIPT = new URL(import.meta.url.endsWith('.ts') ? '../worker/main.ts' : './worker.js', import.meta.url)

/** The argument with which the single-file program, which has no script beside it, runs as a worker (src/cli/single.ts). */
export const WORKER_ARGUMENT = 'worker'

/**
 * The running program itself, even after an upgrade has replaced its file: an agent and its workers always have the same
 * version. proc_pid_exe(5).
 */
const THIS_PROGRAM = { execPath: '/proc/self/exe', argv0: 'lunkeeper' }

const OPTIONS: ForkOptions = {
  // No inherited pipes: a stuck worker must not keep a shell or the service manager waiting for their end.
  stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  detached: true,
  // Sends buffers as bytes, not as JSON arrays.
  serialization: 'advanced',
  execArgv: [],
  env: { LC_ALL: 'C' },
}

/**
 * Starts another part of this program as a separate process, with a channel for messages.
 * @param script the module of the part
 * @param argument selects the part in the single-file program (src/cli/single.ts)
 */
function forkPart(script: URL, argument: string, options: ForkOptions = OPTIONS): ChildProcess {
  const child = isSea()
    ? fork(argument, [], { ...options, ...THIS_PROGRAM })
    : fork(fileURLToPath(script), [], options)
  child.on('error', () => {})
  return child
}

/** A part of this program that runs as a separate process. It ends when its channel is closed. */
export interface PartProcess<To, From> {
  readonly pid: number
  send(message: To): void
  onMessage(listener: (message: From) => void): void
  onExit(listener: () => void): void
  kill(): void
}

/**
 * Starts a part with the environment of this process, because the part itself starts programs.
 * @param script the module of the part
 * @param argument selects the part in the single-file program (src/cli/single.ts)
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

export function startWorker(): WorkerProcess {
  const child = forkPart(SCRIPT, WORKER_ARGUMENT)
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
    // Without a pid it could not be started; onExit notifies the callers.
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
