import { setTimeout as sleep } from 'node:timers/promises'

import type { LabNode, LabProcess } from '../index.ts'
import { Lines } from './lines.ts'

const PROGRAM = '/lab/project/lab/drill/guest/writer.mjs'
export const BLOCK = 4096

/** A block that was written and synced. */
export interface Acknowledged {
  readonly n: number
  /** milliseconds since 1970 */
  readonly at: number
  /** how long it took */
  readonly ms: number
  /** CRC-32 of what was written */
  readonly sum: number
}

/** A block whose write or sync failed. */
export interface Refused {
  readonly n: number
  readonly at: number
  readonly ms: number
  /** as an errno: EIO, EROFS */
  readonly error: string
}

/** A program that writes to one volume, and what it has reported. */
export class Writer {
  readonly acknowledged: Acknowledged[] = []
  readonly refused: Refused[] = []
  readonly #node: LabNode
  readonly #file: string
  readonly #process: LabProcess
  readonly #lines: Lines<Acknowledged | Refused>

  private constructor(node: LabNode, file: string, process: LabProcess) {
    this.#node = node
    this.#file = file
    this.#process = process
    this.#lines = new Lines(process)
  }

  static async start(node: LabNode, mount: string, name = 'blocks'): Promise<Writer> {
    const file = `${mount}/${name}`
    const process = await node.start(['node', PROGRAM, 'write', file])
    await process.output(/"n":3,/)
    return new Writer(node, file, process)
  }

  /** Reads what it has reported meanwhile. */
  listen(): void {
    for (const line of this.#lines.next())
      if ('error' in line) this.refused.push(line)
      else this.acknowledged.push(line)
  }

  /** Ends it in the middle of its work, as a power cut would. */
  async stop(): Promise<void> {
    await this.#process.kill('SIGKILL')
    // a writer that waits for a dead target in D state ends when the kernel lets it, not when it gets the signal
    await Promise.race([this.#process.exited, sleep(10_000, undefined, { ref: false })])
    this.listen()
  }

  /** Reads every acknowledged block from the device. @returns how many differ from what was acknowledged */
  async lost(): Promise<number> {
    await this.#node.sh('echo 3 > /proc/sys/vm/drop_caches')
    const count = String(this.acknowledged.length)
    const ran = await this.#node.ok(['node', PROGRAM, 'check', this.#file, count], { deadline: 120_000 })
    const sums = JSON.parse(ran.stdout) as (number | null)[]
    return this.acknowledged.filter(({ n, sum }) => sums[n] !== sum).length
  }
}
