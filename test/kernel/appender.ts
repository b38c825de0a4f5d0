import type { LabNode, LabProcess } from '../../lab/index.ts'

/** Appends and syncs, and reports that, until it is told to stop. */
const SCRIPT = `
trap 'exit 0' TERM
while :; do
  echo line >> "$1" && sync "$1" && echo written || echo failed
done`

/** A shell that appends lines to a file and continues after an error. */
export class Appender {
  readonly #process: LabProcess

  private constructor(process: LabProcess) {
    this.#process = process
  }

  static async start(node: LabNode, file: string): Promise<Appender> {
    const process = await node.start(['bash', '-c', SCRIPT, 'appender', file])
    await process.output(/written/, 30_000)
    return new Appender(process)
  }

  /** Waits until it has written and synced this many more times. @param deadline milliseconds */
  async more(count: number, deadline = 60_000): Promise<void> {
    const written = this.#process.stdout.split('written').length - 1
    await this.#process.output(new RegExp(`(?:written\\n){${written + count}}`), deadline)
  }

  get hasFailed(): boolean {
    return this.#process.stdout.includes('failed')
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGTERM')
    await this.#process.exited
  }
}
