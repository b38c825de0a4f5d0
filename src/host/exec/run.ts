import type { ChildProcess } from 'node:child_process'

import { LunkeeperError } from '../../model/errors.ts'
import type { Program } from './programs.ts'
import { PACKAGE_OF, PATH } from './programs.ts'

export interface RunResult {
  /** Exit status; null if a signal ended it. */
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Milliseconds until the program is killed and abandoned. Required, so that every wait is bounded. */
  readonly deadline: number
  readonly signal?: AbortSignal | undefined
  readonly input?: string
  /** Besides PATH and LC_ALL; never a secret. */
  readonly env?: Readonly<Record<string, string>>
  /** Receives the output as it arrives; the result then has none of it. For long-running programs. */
  readonly onOutput?: (text: string) => void
  /** An open file that becomes the program's standard input. */
  readonly file?: number
}

/** Maximum length of a child's output: more than any of our programs prints. */
const MAX_OUTPUT = 1 << 20

/**
 * Runs one program to its end: arguments unchanged, no shell, a fixed PATH, the C locale. A program that exits with a
 * non-zero status is a result, not an error.
 *
 * A child in an uninterruptible wait survives SIGKILL until the kernel releases it, so nothing here waits for a killed
 * child: it is abandoned without a pipe to us.
 *
 * @throws PROGRAM_MISSING TIMEOUT CANCELLED INTERNAL
 */
export async function run(
  program: Program,
  args: readonly string[],
  options: RunOptions,
): Promise<RunResult> {
  const { execa } = await import('execa')
  // After the last await before the start: an earlier abort is not reported again.
  if (options.signal?.aborted) throw new LunkeeperError('CANCELLED', `${program} was not started`)
  const child = execa(program, args, {
    reject: false,
    // Ctrl-C at the terminal is sent to us only, and we decide at which step to stop.
    detached: true,
    cleanup: false,
    env: { PATH, LC_ALL: 'C', ...options.env },
    extendEnv: false,
    // execa accepts a descriptor here; its types (10.2) do not say so.
    stdin: (options.file ?? (options.input === undefined ? 'ignore' : 'pipe')) as 'pipe',
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.onOutput ? { buffer: false } : { maxBuffer: MAX_OUTPUT }),
    stripFinalNewline: true,
  })
  if (options.onOutput) child.stdout?.setEncoding('utf8').on('data', options.onOutput)
  const ended = child.then((result) => ({ kind: 'ended' as const, result }))
  const { promise: stopped, resolve } = Promise.withResolvers<{ kind: 'deadline' | 'cancelled' }>()
  const timer = setTimeout(() => resolve({ kind: 'deadline' }), options.deadline)
  const cancel = () => resolve({ kind: 'cancelled' })
  options.signal?.addEventListener('abort', cancel, { once: true })
  try {
    const outcome = await Promise.race([ended, stopped])
    if (outcome.kind === 'ended') return toRan(program, outcome.result)
    abandon(child.nodeChildProcess)
    ended.catch(() => {})
    throw outcome.kind === 'cancelled'
      ? new LunkeeperError('CANCELLED', `${program} was stopped`)
      : new LunkeeperError('TIMEOUT', `${program} did not end within ${options.deadline / 1000} s`, {
          details: { program, pid: child.pid },
        })
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', cancel)
  }
}

interface Result {
  readonly exitCode?: number | undefined
  readonly signal?: string | undefined
  readonly code?: string | undefined
  readonly stdout?: unknown
  readonly stderr?: unknown
  readonly originalMessage?: string | undefined
}

function toRan(program: Program, result: Result): RunResult {
  if (result.exitCode === undefined && result.signal === undefined) {
    if (result.code === 'ENOENT' || result.code === 'EACCES')
      throw new LunkeeperError(
        'PROGRAM_MISSING',
        `the program ${program} is not installed, or cannot be run`,
        {
          hint: `Debian and Ubuntu: apt-get install ${PACKAGE_OF[program]}`,
          details: { program, package: PACKAGE_OF[program] },
        },
      )
    throw new LunkeeperError(
      'INTERNAL',
      `${program} could not be started: ${result.originalMessage ?? result.code}`,
      {
        details: { program, errno: result.code },
      },
    )
  }
  return {
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
  }
}

function abandon(child: ChildProcess): void {
  child.kill('SIGKILL')
  for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe?.destroy()
  child.unref()
}

/**
 * The line of a program's output that says what went wrong, for an error message: iscsiadm's reason is in the middle;
 * other programs print it first, followed by their usage or where to look.
 */
export function failureReason(ran: RunResult): string {
  const lines = `${ran.stderr}\n${ran.stdout}`.split('\n').map((line) => line.trim())
  // e2fsprogs start with their own name, version and date.
  const idle = /^usage\b|^dmesg\(1\)|^\S+ \d[\d.]* \(\d+-\w+-\d+\)$/i
  const said = lines.filter((line) => line !== '' && !idle.test(line))
  return (
    said.find((line) => /reported error/.test(line)) ??
    said[0] ??
    (ran.signal ? `it was ended by ${ran.signal}` : `exit status ${ran.code}`)
  )
}
