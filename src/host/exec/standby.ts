import type { Child } from './child.ts'
import { childStarter } from './child.ts'
import { abandon } from './until-ended.ts'

/** How many shells wait: for a path that returns, one logs out, one logs in, one loads a table and one resumes it. */
const STANDBY_COUNT = 4
/** Idle shells end after this time unless they are requested again. */
const IDLE_LIMIT_MS = 60_000

/**
 * Reads a number and then that many arguments, one per line, and becomes the program that the first one names. If
 * this process dies while it writes them, fewer arguments arrive, and nothing is run.
 */
export const STANDBY_SCRIPT =
  'read -r count || exit; while IFS= read -r word; do set -- "$@" "$word"; done; [ $# -gt 0 ] && [ $# = "$count" ] && exec "$@" < /dev/null'

/**
 * Shells that wait to become a program. Forking a large process takes long, and stops it meanwhile: if I/O waits
 * for a program, a shell is used that was forked earlier.
 */
export class StandbyShells {
  readonly #waiting: Child[] = []
  #starting = 0
  #idleTimer: NodeJS.Timeout | undefined

  /** Starts missing shells, which become available later. */
  warm(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => this.close(), IDLE_LIMIT_MS).unref()
    while (this.#waiting.length + this.#starting < STANDBY_COUNT) void this.#add()
  }

  async #add(): Promise<void> {
    this.#starting++
    try {
      const start = await childStarter()
      const child = start('sh', ['-c', STANDBY_SCRIPT, 'lunkeeper-standby'], { isFed: true })
      keepAlive(child, false)
      // The shell may end before it is needed. `take` notices that.
      child.nodeChildProcess.stdin?.on('error', () => {})
      this.#waiting.push(child)
    } catch {
      // Programs are then started the usual way.
    } finally {
      this.#starting--
    }
  }

  /** Makes a waiting shell run a program. @returns undefined if there is none, or it cannot take these arguments */
  take(program: string, args: readonly string[]): Child | undefined {
    const words = [program, ...args]
    if (words.some((word) => /[\n\0]/.test(word))) return undefined
    for (let child = this.#waiting.pop(); child; child = this.#waiting.pop()) {
      const { exitCode, signalCode, stdin } = child.nodeChildProcess
      if (exitCode !== null || signalCode !== null || !stdin?.writable) continue
      keepAlive(child, true)
      stdin.end(`${words.length}\n${words.map((word) => `${word}\n`).join('')}`)
      return child
    }
    return undefined
  }

  /** Ends the waiting shells. */
  close(): void {
    clearTimeout(this.#idleTimer)
    for (const child of this.#waiting.splice(0)) abandon(child.nodeChildProcess)
  }
}

/** Whether a child and its pipes keep this process running. Pipes of children are sockets, whose types do not say so. */
function keepAlive({ nodeChildProcess: child }: Child, yes: boolean): void {
  const all: readonly unknown[] = [child, child.stdin, child.stdout, child.stderr]
  for (const one of all as readonly ({ ref?(): void; unref?(): void } | null)[])
    if (yes) one?.ref?.()
    else one?.unref?.()
}
