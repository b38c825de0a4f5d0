import { execPath } from 'node:process'

import type { RunResult } from './run.ts'

/**
 * Runs a script of this package with the same Node, for a user who watches: it has our stderr, our environment and our
 * process group, so that Ctrl-C reaches both; and it ends with us. Its stdout is read here.
 *
 * @param deadline milliseconds until it is told to stop
 */
export async function runScript(
  file: string,
  args: readonly string[],
  { deadline }: { readonly deadline: number },
): Promise<Omit<RunResult, 'stderr'>> {
  const { execa } = await import('execa')
  const { exitCode, signal, stdout } = await execa(execPath, [file, ...args], {
    reject: false,
    stdin: 'ignore',
    stderr: 'inherit',
    timeout: deadline,
  })
  return { code: exitCode ?? null, signal: signal ?? null, stdout }
}
