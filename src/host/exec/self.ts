import { setPriority } from 'node:os'
import { argv, execPath } from 'node:process'
import { isSea } from 'node:sea'

import { LunkeeperError } from '../../model/errors.ts'
import type { RunResult } from './run.ts'
import { abandon, untilEnded } from './until-ended.ts'

/** In bytes: more than the findings of a node with thousands of disks. */
const MAX_OUTPUT = 16 << 20
/** Below all interactive work; the agent itself runs at -10. */
const LOW_PRIORITY = 10
/** Between SIGTERM, at which a command stops at its next step, and SIGKILL. */
const STOP_DEADLINE_MS = 5_000

export interface SelfOptions {
  /** Milliseconds until the child is asked to stop. */
  readonly deadline: number
  /** Asks the child to stop when aborted. */
  readonly signal?: AbortSignal
  /** Environment variables in addition to our own. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs this program with other arguments as a separate process, at low priority: work that reads a lot does not delay
 * this process, and work that is stuck in the kernel can be abandoned.
 * @throws TIMEOUT CANCELLED the child was asked to stop, and killed if it did not
 */
export async function runSelf(args: readonly string[], options: SelfOptions): Promise<RunResult> {
  const { execa } = await import('execa')
  // As for a worker (fork.ts): the running program, even after an upgrade has replaced its file.
  const [program, before] = isSea() ? ['/proc/self/exe', []] : [execPath, [argv[1]!]]
  const child = execa(program, [...before, ...args], {
    reject: false,
    stdin: 'ignore',
    maxBuffer: MAX_OUTPUT,
    env: { ...options.env },
  })
  try {
    if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY)
  } catch {
    // The child has already ended.
  }
  const ended = child.then(({ exitCode, signal, stdout, stderr }) => ({
    code: exitCode ?? null,
    signal: signal ?? null,
    stdout,
    stderr,
  }))
  const ending = await untilEnded(ended, options)
  if (ending.kind === 'ended') return ending.result
  child.kill('SIGTERM')
  if ((await untilEnded(ended, { deadline: STOP_DEADLINE_MS })).kind !== 'ended')
    abandon(child.nodeChildProcess)
  child.catch(() => {})
  throw ending.kind === 'cancelled'
    ? new LunkeeperError('CANCELLED', `lunkeeper ${args[0]} was stopped`)
    : new LunkeeperError('TIMEOUT', `lunkeeper ${args[0]} did not end within ${options.deadline / 1000} s`)
}
