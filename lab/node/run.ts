export interface RunOptions {
  /** standard input; without it, /dev/null */
  input?: string | Uint8Array
  /** added to the guest's environment */
  env?: Record<string, string>
  /** @default '/root' */
  cwd?: string
  /** milliseconds until the program is killed. @default 60000 */
  deadline?: number
}

export interface RunResult {
  /** null if a signal ended it, or if it has not ended */
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
  /** standard output, unchanged */
  bytes: Buffer
  /** time in the guest, without the transfer */
  ms: number
  /** the deadline passed */
  timedOut: boolean
  /** the deadline passed, and even SIGKILL did not end the program: it is in D state, and still exists */
  stuck: boolean
}

export interface RawResult {
  code: number | null
  signal: string | null
  stdout: string
  stderr: string
  ms: number
  timedOut: boolean
  stuck: boolean
}

export function decoded(raw: RawResult): RunResult {
  const bytes = Buffer.from(raw.stdout, 'base64')
  return { ...raw, bytes, stdout: bytes.toString(), stderr: Buffer.from(raw.stderr, 'base64').toString() }
}
