import { LunkeeperError } from '../../model/errors.ts'
import type { ChildResult } from './child.ts'
import { childStarter } from './child.ts'
import type { Program } from './programs.ts'
import { PACKAGE_OF } from './programs.ts'
import type { StandbyShells } from './standby.ts'
import { abandon, untilEnded } from './until-ended.ts'

/** How a program ended, and what it printed. */
export interface RunResult {
  /** Exit status; null if a signal ended the program. */
  readonly code: number | null
  /** The signal that ended the program; null if it exited. */
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Milliseconds until the program is killed and abandoned. Required, so that every wait is bounded. */
  readonly deadline: number
  /** Kills and abandons the program when aborted. */
  readonly signal?: AbortSignal | undefined
  /** Text for the program's standard input. @default empty */
  readonly input?: string
  /** Environment variables in addition to PATH and LC_ALL; never a secret. */
  readonly env?: Readonly<Record<string, string>>
  /** Receives the output as it arrives; the result then does not contain it. For long-running programs. */
  readonly onOutput?: (text: string) => void
  /** An open file that becomes the program's standard input, instead of `input`. */
  readonly file?: number
  /** I/O waits for this program: if a standby shell is available, it runs the program. @default false */
  readonly urgent?: boolean
}

/** Exit statuses of a shell that could not execute the program. None of our programs has them. */
const NOT_EXECUTED = new Set([126, 127])

/** The shell could not run the program, or no longer existed. */
const wasNotRun = ({ exitCode, signal }: ChildResult) =>
  exitCode === undefined ? signal === undefined : NOT_EXECUTED.has(exitCode)

/**
 * Runs one program to its end: arguments unchanged, no shell, a fixed PATH, the C locale. A program that exits with a
 * non-zero status is a result, not an error.
 *
 * A child in an uninterruptible wait survives SIGKILL until the kernel releases it, so nothing here waits for a killed
 * child: it is abandoned, and its pipes are closed.
 *
 * @param standby shells for programs that are urgent
 * @throws PROGRAM_MISSING TIMEOUT CANCELLED INTERNAL
 */
export async function run(
  program: Program,
  args: readonly string[],
  options: RunOptions,
  standby?: StandbyShells,
): Promise<RunResult> {
  const start = await childStarter()
  // Checked after the last await before the start, because an abort before that raises no event any more.
  if (options.signal?.aborted) throw new LunkeeperError('CANCELLED', `${program} was not started`)
  const waiting = takesStandby(options) ? standby?.take(program, args) : undefined
  const child = waiting ?? start(program, args, options)
  if (options.onOutput) child.nodeChildProcess.stdout?.setEncoding('utf8').on('data', options.onOutput)
  const ending = await untilEnded(
    child.then((result) => result),
    options,
  )
  if (ending.kind === 'ended') {
    if (waiting && wasNotRun(ending.result)) return run(program, args, options)
    return toRunResult(program, ending.result)
  }
  abandon(child.nodeChildProcess)
  child.catch(() => {})
  throw ending.kind === 'cancelled'
    ? new LunkeeperError('CANCELLED', `${program} was stopped`)
    : new LunkeeperError('TIMEOUT', `${program} did not end within ${options.deadline / 1000} s`, {
        details: { program, pid: child.nodeChildProcess.pid },
      })
}

function takesStandby({ urgent, input, env, onOutput, file }: RunOptions): boolean {
  return urgent === true && [input, env, onOutput, file].every((one) => one === undefined)
}

function toRunResult(program: Program, result: ChildResult): RunResult {
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

/**
 * The line of a program's output that gives the reason of a failure, for an error message. iscsiadm prints the
 * reason in the middle; other programs print it first, followed by their usage or a pointer to a log.
 */
export function failureReason(ran: RunResult): string {
  const lines = `${ran.stderr}\n${ran.stdout}`.split('\n').map((line) => line.trim())
  // Usage, pointers to a log, and the banner of e2fsprogs (name, version, date) are not reasons.
  const noise = /^usage\b|^dmesg\(1\)|^\S+ \d[\d.]* \(\d+-\w+-\d+\)$/i
  const reasons = lines.filter((line) => line !== '' && !noise.test(line))
  return (
    reasons.find((line) => /reported error/.test(line)) ??
    reasons[0] ??
    (ran.signal ? `it was ended by ${ran.signal}` : `exit status ${ran.code}`)
  )
}
