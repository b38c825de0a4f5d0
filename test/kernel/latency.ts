import type { LabNode, LabProcess } from '../../lab/index.ts'

const PROGRAM = '/lab/project/test/kernel/guest/load.mjs'

/** Milliseconds that a small write with fsync takes. */
export interface Latency {
  readonly writes: number
  readonly median: number
  readonly p95: number
  readonly longest: number
}

/** A program that repeatedly writes and syncs a little, and measures how long that takes. */
export class Steady {
  readonly #process: LabProcess
  #from = 0

  private constructor(process: LabProcess) {
    this.#process = process
  }

  static async start(node: LabNode, file: string): Promise<Steady> {
    const process = await node.start(['node', PROGRAM, 'steady', file])
    const steady = new Steady(process)
    await steady.resumes(30_000)
    return steady
  }

  get #all(): readonly number[] {
    return this.#process.stdout.split('\n').slice(0, -1).map(Number)
  }

  /** Waits until two more writes are confirmed: a write that hangs now has ended by then. */
  async resumes(deadline: number): Promise<void> {
    const more = this.#all.length + 2
    await this.#process.output(new RegExp(`^(?:[^\n]*\n){${more}}`), deadline)
  }

  /** The latency since this was last called. */
  since(): Latency {
    const all = this.#all
    const seen = all.slice(this.#from).toSorted((a, b) => a - b)
    this.#from = all.length
    const at = (part: number) => seen[Math.floor((seen.length - 1) * part)] ?? Number.POSITIVE_INFINITY
    return { writes: seen.length, median: at(0.5), p95: at(0.95), longest: at(1) }
  }
}

/** A program that fills memory with data to be written to `file`. */
export async function startHog(node: LabNode, file: string): Promise<LabProcess> {
  const process = await node.start(['node', PROGRAM, 'hog', file])
  await process.output(/writing/)
  return process
}
