import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { Readable as Stream } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { LunkeeperError } from '../../model/errors.ts'
import type { Program } from './programs.ts'
import { PACKAGE_OF, PATH } from './programs.ts'

/** How many characters of a program's error output are kept. */
const MAX_ERROR_OUTPUT = 4 << 10

/**
 * Passes bytes through a program, from its standard input to its standard output. The program ends when its input ends or
 * when the caller stops reading; it runs for as long as the source provides input.
 *
 * @throws PROGRAM_MISSING, INTERNAL with the program's error output
 */
export async function* filter(
  program: Program,
  args: readonly string[],
  input: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  const child = spawn(program, args, { env: { PATH, LC_ALL: 'C' }, stdio: ['pipe', 'pipe', 'pipe'] })
  const failed = once(child, 'error').then(([error]: unknown[]) => error)
  const ended = once(child, 'close').then(([code]: unknown[]) => code)
  ended.catch(() => {})
  failed.catch(() => {})
  const errorOutput = collect(child.stderr)
  // A program that exits early closes its input; its own error output is more useful than the broken pipe.
  const fed = pipeline(Stream.from(input, { objectMode: false }), child.stdin).then(
    () => null,
    (error: unknown) => error,
  )
  try {
    for await (const block of child.stdout) yield block as Buffer
    const code = await Promise.race([ended, failed])
    if (code instanceof Error) throw notStarted(program, code)
    if (code !== 0)
      throw new LunkeeperError(
        'INTERNAL',
        (await errorOutput) || `${program} exited with status ${String(code)}`,
      )
    const broken = await fed
    if (broken instanceof Error) throw broken
  } finally {
    child.kill('SIGKILL')
  }
}

async function collect(stream: Readable): Promise<string> {
  let text = ''
  for await (const block of stream) if (text.length < MAX_ERROR_OUTPUT) text += String(block)
  return text.slice(0, MAX_ERROR_OUTPUT).split('\n')[0]!
}

function notStarted(program: Program, error: Error): LunkeeperError {
  return new LunkeeperError('PROGRAM_MISSING', `the program ${program} is not installed, or cannot be run`, {
    hint: `Debian and Ubuntu: apt-get install ${PACKAGE_OF[program]}`,
    details: { program, package: PACKAGE_OF[program] },
    cause: error,
  })
}
