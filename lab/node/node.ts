import { GuestError, Wire, type Event } from '../machine/wire.ts'
import type { Kernel } from '../machine/kernel.ts'
import { patient } from '../machine/pace.ts'
import { LabError } from '../error.ts'
import { Lio } from '../lio/lio.ts'
import { Files } from './files.ts'
import { initiatorOf, type BootOptions } from './options.ts'
import { LabProcess } from './process.ts'
import { reset } from './reset.ts'
import { decoded, type RawResult, type RunOptions, type RunResult } from './run.ts'

/** What the initiator in a machine's kernel has. */
export interface Storage {
  /** `session3` */
  sessions: string[]
  /** `sda` */
  disks: string[]
  /** names of device-mapper maps */
  maps: string[]
  /** mount points of file systems on disks and maps */
  mounts: string[]
  /** the kernel's count of events so far */
  uevents: number
}

/** A machine: a running kernel with an agent in it. Created by `lab.boot()`. */
export class LabNode extends Files {
  readonly name: string
  readonly initiator: string
  /** as in `uname -r` */
  readonly kernel: string
  /** makes this machine a storage server */
  readonly lio: Lio
  /** settles when the machine is off, for whatever reason */
  readonly off: Promise<void>
  readonly #kernel: Kernel
  readonly #wire: Wire
  readonly #processes = new Map<number, LabProcess>()
  readonly #ready: Promise<void>
  #console = ''
  #isOff = false

  constructor(kernel: Kernel, version: string, options: BootOptions) {
    let readied!: () => void
    const ready = new Promise<void>((resolve) => (readied = resolve))
    const wire = new Wire(kernel.line, (event) =>
      event.event === 'ready' ? readied() : this.#receive(event),
    )
    super(wire, (argv, runOptions) => this.ok(argv, runOptions))
    this.name = options.name ?? 'node'
    this.initiator = initiatorOf(options)
    this.kernel = version
    this.lio = new Lio(this.name, wire)
    this.#kernel = kernel
    this.#wire = wire
    kernel.console.setEncoding('utf8').on('data', (text: string) => (this.#console += text))
    this.off = this.#end(kernel.exited)
    this.#ready = ready
  }

  /** for the lab: settles when the agent answers. This takes 1.5 s (measured); a loaded CI machine gets much more time. */
  async up(bound = 240_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>(
      (resolve) => (timer = setTimeout(resolve, bound, `did not come up within ${bound / 1000} s`)),
    )
    const ended = await Promise.race([this.#ready, late, this.off.then(() => 'went off while booting')])
    clearTimeout(timer)
    if (ended !== undefined)
      throw new LabError(`the machine ${this.name} ${ended}; its last words:\n${this.#console.slice(-4000)}`)
  }

  /** Runs a program to its end. Does not throw if the program fails, is killed or is late: check the result. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { input, ...rest } = options
    const deadline = patient(options.deadline ?? 60_000)
    const encoded = input === undefined ? {} : { input: Buffer.from(input).toString('base64') }
    try {
      // 15 s more than the program has: for the answer of a machine that is busy, not stuck
      return decoded(
        await this.#wire.call<RawResult>('run', { argv, ...rest, deadline, ...encoded }, deadline + 15_000),
      )
    } catch (error) {
      if (error instanceof GuestError)
        throw new LabError(`${argv[0]} could not be started on ${this.name}: ${error.message}`, {
          cause: error,
        })
      throw error
    }
  }

  /** Runs a program that must succeed; otherwise throws with all of its output. */
  async ok(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const result = await this.run(argv, options)
    if (result.code === 0) return result
    const how = result.stuck
      ? 'is stuck in the kernel'
      : result.timedOut
        ? 'was late and killed'
        : `ended with ${result.signal ?? result.code}`
    throw new Error(
      `${this.name}: ${argv.join(' ')} ${how} after ${result.ms} ms\n${result.stdout}${result.stderr}`,
    )
  }

  /** Runs a shell script that must succeed. @returns its standard output without the last newline */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    return (await this.ok(['sh', '-ec', script], options)).stdout.trimEnd()
  }

  /** Starts a program and leaves it running. */
  async start(argv: readonly string[], options: Pick<RunOptions, 'env' | 'cwd'> = {}): Promise<LabProcess> {
    const early: Event[] = []
    this.#early.push(early)
    const { pid } = await this.#wire.call<{ pid: number }>('start', { argv, ...options })
    const child = new LabProcess(pid, this.#wire)
    this.#processes.set(pid, child)
    this.#early.splice(this.#early.indexOf(early), 1)
    for (const event of early) if (event.pid === pid) this.#receive(event)
    return child
  }

  storage(): Promise<Storage> {
    return this.#wire.call('storage')
  }

  /** the console so far: the kernel's log, and the messages of init */
  get console(): string {
    return this.#console
  }

  /** the kernel's log, from the kernel's own buffer; `since` is the `next` that an earlier call returned */
  async kernelLog(since = 0): Promise<{ lines: string[]; next: number }> {
    const lines = (await this.ok(['dmesg', '-r'])).stdout.split('\n').filter(Boolean)
    return { lines: lines.slice(since), next: lines.length }
  }

  /**
   * Waits until `look` returns something other than false or undefined. A look that starts a program takes the
   * machine's only processor away from what is waited for, so after it the machine gets the same time without a
   * look.
   * @param deadline milliseconds
   */
  async until<T>(
    look: () => Promise<T | false | undefined>,
    { deadline = 10_000, every = 50, what = 'the condition' } = {},
  ): Promise<T> {
    const limit = patient(deadline)
    const end = performance.now() + limit
    for (;;) {
      const began = performance.now()
      const seen = await look()
      if (seen !== false && seen !== undefined) return seen
      const took = performance.now() - began
      if (performance.now() > end)
        throw new Error(`${this.name}: ${what} did not come about within ${limit} ms`)
      await new Promise((resolve) => setTimeout(resolve, Math.max(every, took)))
    }
  }

  /** Restores the state after boot, for the next test; throws if something could not be removed. */
  reset(): Promise<void> {
    return reset(this, this.#wire)
  }

  /**
   * Stops the machine abruptly; the network sees silence. Only the kernel's own process is stopped: its programs
   * are processes that it traces, and if one of those receives SIGCONT, the kernel panics ("child stopped with
   * signal 18").
   */
  freeze(): void {
    this.#signal('SIGSTOP', this.#kernel.pid)
  }

  thaw(): void {
    this.#signal('SIGCONT', this.#kernel.pid)
  }

  /** Pulls the plug. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL', -this.#kernel.pid)
    await this.off
  }

  /** for the lab: kills what a dead kernel has left */
  sweep(): void {
    try {
      process.kill(-this.#kernel.pid, 'SIGKILL')
    } catch {
      // nothing is left, as expected
    }
  }

  get isOff(): boolean {
    return this.#isOff
  }

  async #end(exited: Promise<void>): Promise<void> {
    await exited
    this.#isOff = true
    const panic = /Kernel panic.*/.exec(this.#console)?.[0]
    const words = `the machine ${this.name} is off${panic === undefined ? '' : ` (${panic})`}`
    this.#wire.down(words)
    for (const child of this.#processes.values()) child.lost(new LabError(words))
    this.#processes.clear()
  }

  readonly #early: Event[][] = []

  #receive(event: Event): void {
    const child = this.#processes.get(event.pid ?? -1)
    if (!child) {
      // a program may produce output before the answer that names it has been read
      for (const early of this.#early) early.push(event)
      return
    }
    child.receive(event)
    if (event.event === 'exit') this.#processes.delete(child.pid)
  }

  #signal(signal: NodeJS.Signals, to: number): void {
    if (this.#isOff) return
    try {
      process.kill(to, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
}
