import { spawn } from 'node:child_process'
import { LabError } from '../error.ts'

/**
 * Runs a program of the host to its end, without a shell, and returns its output; if it fails, throws with the end
 * of its output.
 */
export async function program(
  argv: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const [file = '', ...args] = argv
  const child = spawn(file, args, {
    cwd: options.cwd,
    // Debian's administration tools live in sbin, which an ordinary user's PATH may lack
    env: {
      ...process.env,
      LC_ALL: 'C',
      PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return await new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new LabError(
          cause.code === 'ENOENT'
            ? `the lab needs the program ${file}, which is not installed`
            : `${file} could not be started`,
          { cause },
        ),
      )
    })
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out)
      else
        reject(
          new LabError(
            `${file} ${args.slice(-3).join(' ')} ended with ${signal ?? code}: ${(err || out).trim().slice(-1500)}`,
          ),
        )
    })
  })
}
