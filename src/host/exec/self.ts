import { setPriority } from 'node:os'
import { argv, execPath } from 'node:process'
import { isSea } from 'node:sea'

import type { RunResult } from './run.ts'

/** The highest that a child keeps on stdout: the findings of a node with thousands of disks. */
const MAX_OUTPUT = 16 << 20
/** Work that may wait: the agent itself runs with -10. */
const LOW_PRIORITY = 10

export interface SelfOptions {
  /** Milliseconds until it is told to stop. */
  readonly deadline: number
  readonly signal?: AbortSignal
  /** Besides our own environment. */
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs this very program with other arguments, as a process of its own: what reads a lot does not delay this one, and
 * what gets stuck is left behind. At low priority.
 */
export async function runSelf(args: readonly string[], options: SelfOptions): Promise<RunResult> {
  const { execa } = await import('execa')
  // As for a worker (fork.ts): also where an upgrade has put another program in its place.
  const [program, before] = isSea() ? ['/proc/self/exe', []] : [execPath, [argv[1]!]]
  const child = execa(program, [...before, ...args], {
    reject: false,
    stdin: 'ignore',
    timeout: options.deadline,
    maxBuffer: MAX_OUTPUT,
    ...(options.signal ? { cancelSignal: options.signal } : {}),
    env: { ...options.env },
  })
  try {
    if (child.pid !== undefined) setPriority(child.pid, LOW_PRIORITY)
  } catch {
    // It has ended already.
  }
  const { exitCode, signal, stdout, stderr } = await child
  return { code: exitCode ?? null, signal: signal ?? null, stdout, stderr }
}
