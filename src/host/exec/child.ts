import type { ChildProcess } from 'node:child_process'

import type { Program } from './programs.ts'
import { PATH } from './programs.ts'

/** In bytes: more than any of our programs prints. */
const MAX_OUTPUT = 1 << 20

/** How a child ended. */
export interface ChildResult {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly code?: string | undefined
  readonly stdout?: unknown
  readonly stderr?: unknown
  readonly originalMessage?: string | undefined
}

/** A program that was started. It never rejects. */
export interface Child extends Promise<ChildResult> {
  readonly nodeChildProcess: ChildProcess
}

export interface ChildOptions {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  /** The child's output is not collected. */
  readonly onOutput?: unknown
  /** An open file that becomes its standard input. */
  readonly file?: number
  /** Its standard input is a pipe, even if there is no `input`. */
  readonly isFed?: boolean
}

/** @returns a function that starts a child at once, so that nothing can happen in between */
export async function childStarter(): Promise<
  (program: Program, args: readonly string[], options: ChildOptions) => Child
> {
  const { execa } = await import('execa')
  return (program, args, { input, env, onOutput, file, isFed = false }) =>
    execa(program, args, {
      reject: false,
      // The child has its own process group: Ctrl-C at the terminal must reach only us, and we decide at which step
      // to stop.
      detached: true,
      cleanup: false,
      env: { PATH, LC_ALL: 'C', ...env },
      extendEnv: false,
      // execa accepts a descriptor here; its types (10.2) do not say so.
      stdin: (file ?? (input === undefined && !isFed ? 'ignore' : 'pipe')) as 'pipe',
      ...(input === undefined ? {} : { input }),
      ...(onOutput ? { buffer: false } : { maxBuffer: MAX_OUTPUT }),
      stripFinalNewline: true,
    })
}
