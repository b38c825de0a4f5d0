import { execPath } from 'node:process'

import type { RunResult } from './run.ts'

/**
 * Runs a script of this package with the same Node, for a user at a terminal: the script inherits stderr, the environment
 * and the process group, so that Ctrl-C reaches both processes. It is killed when this process ends.
 * @param options.deadline milliseconds until the script is killed
 * @returns its exit status and its stdout
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
