import { EventEmitter } from 'node:events'
import { MAX_DEADLINE_MS, patient } from '../machine/pace.ts'
import type { Event, Wire } from '../machine/wire.ts'

/** A program that keeps running in a machine. Its output is kept, and can be followed. */
export class LabProcess {
  readonly pid: number
  /** its output so far */
  stdout = ''
  stderr = ''
  /** how it ended; rejects if the machine ends first */
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #wire: Wire
  readonly #events = new EventEmitter()
  #resolve!: (end: { code: number | null; signal: NodeJS.Signals | null }) => void
  #reject!: (error: Error) => void

  constructor(pid: number, wire: Wire) {
    this.pid = pid
    this.#wire = wire
    this.exited = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.exited.catch(() => undefined)
  }

  /** Sends a signal to it and to everything that it started; with `alone`, only to itself. @returns false if it had ended */
  kill(signal: NodeJS.Signals = 'SIGTERM', { alone = false } = {}): Promise<boolean> {
    return this.#wire.call('signal', { pid: this.pid, signal, alone })
  }

  /** writes to its standard input */
  async write(text: string): Promise<void> {
    await this.#wire.call('write', { pid: this.pid, data: Buffer.from(text).toString('base64') })
  }

  /** closes its standard input */
  async end(): Promise<void> {
    await this.#wire.call('write', { pid: this.pid, end: true })
  }

  /** Waits until its standard output contains the pattern. @param deadline milliseconds */
  output(pattern: RegExp, deadline = 30_000): Promise<RegExpExecArray> {
    return this.#hears(() => this.stdout, pattern, deadline)
  }

  /** Waits until its standard error contains the pattern. @param deadline milliseconds */
  errors(pattern: RegExp, deadline = 30_000): Promise<RegExpExecArray> {
    return this.#hears(() => this.stderr, pattern, deadline)
  }

  /**
   * Yields each complete line of its standard output, which is then forgotten. For a program that answers for as
   * long as it runs.
   * @throws if the program, or its machine, has ended
   */
  async *lines(): AsyncGenerator<string> {
    for (;;) {
      await this.output(/\n/, MAX_DEADLINE_MS)
      const end = this.stdout.lastIndexOf('\n') + 1
      const whole = this.stdout.slice(0, end)
      this.stdout = this.stdout.slice(end)
      yield* whole.split('\n').filter(Boolean)
    }
  }

  async #hears(text: () => string, pattern: RegExp, deadline: number): Promise<RegExpExecArray> {
    return await new Promise((resolve, reject) => {
      const look = (): void => {
        const found = pattern.exec(text())
        if (!found) return
        stop()
        resolve(found)
      }
      const stop = (): void => {
        clearTimeout(timer)
        this.#events.off('output', look)
      }
      const fail = (words: string): void => {
        stop()
        reject(
          new Error(`${words} ${pattern}; it wrote: ${this.stdout.slice(-2000)}${this.stderr.slice(-2000)}`),
        )
      }
      const limit = patient(deadline)
      const timer = setTimeout(() => fail(`the program did not write within ${limit} ms:`), limit)
      this.#events.on('output', look)
      look()
      this.exited.then(
        () => fail('the program ended without writing'),
        () => fail('the machine went before the program wrote'),
      )
    })
  }

  /** for the node: one of this program's events */
  receive(event: Event): void {
    if (event.event === 'exit')
      return this.#resolve({
        code: event.code as number | null,
        signal: event.signal as NodeJS.Signals | null,
      })
    const text = Buffer.from(event.data as string, 'base64').toString()
    if (event.event === 'stdout') this.stdout += text
    else this.stderr += text
    this.#events.emit('output')
  }

  /** for the node: the machine is gone */
  lost(error: Error): void {
    this.#reject(error)
  }
}
