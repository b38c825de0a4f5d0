import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, beforeAll, onTestFinished } from 'vitest'

// Built once, because a process starts much faster if Node need not strip its types.
let built: string
beforeAll(async () => {
  built = mkdtempSync(join(tmpdir(), 'lunkeeper-worker-'))
  await build({
    entryPoints: [join(import.meta.dirname, 'fixture-worker.ts')],
    outfile: join(built, 'worker.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
})
afterAll(() => rmSync(built, { recursive: true, force: true }))

/** A process that takes a lock; see fixture-worker.ts. It is killed when the test ends. */
export class Worker {
  readonly #process: ChildProcess
  readonly #said: string[] = []
  readonly ended: Promise<unknown>
  #listener = () => {}

  constructor(task: Readonly<Record<string, unknown>>) {
    const args = [join(built, 'worker.mjs'), JSON.stringify({ deadline: 30_000, times: 1, ...task })]
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdin!.on('error', () => {})
    this.ended = once(this.#process, 'exit')
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.#said.push(line)
      this.#listener()
    })
    onTestFinished(() => this.kill())
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** The next line that the process prints or has printed. */
  async says(): Promise<string> {
    while (this.#said.length === 0) await new Promise<void>((resolve) => (this.#listener = resolve))
    return this.#said.shift()!
  }

  /** Lets the process continue: take the lock, or release it. */
  go(): void {
    this.#process.stdin!.write('\n')
  }

  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL')
    await this.ended
  }
}
