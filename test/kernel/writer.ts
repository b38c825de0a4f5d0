import { expect } from 'vitest'

import type { LabNode, LabProcess } from '../../lab/index.ts'

const PROGRAM = '/lab/project/test/kernel/guest/writer.mjs'

/** A program that writes continuously, and knows what was confirmed. */
export class Writer {
  readonly #node: LabNode
  readonly #file: string
  readonly #process: LabProcess

  private constructor(node: LabNode, file: string, process: LabProcess) {
    this.#node = node
    this.#file = file
    this.#process = process
  }

  /** @param pauseMs between two writes: several writers without a pause leave no processor time for others */
  static async start(node: LabNode, file: string, pauseMs = 20): Promise<Writer> {
    const process = await node.start(['node', PROGRAM, 'write', file, String(pauseMs)])
    await process.output(/^ok 3 /m)
    return new Writer(node, file, process)
  }

  get #lines(): readonly string[][] {
    return this.#process.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' '))
  }

  get errors(): number {
    return this.#lines.filter(([what]) => what === 'error').length
  }

  get confirmed(): number {
    return this.#lines.filter(([what]) => what === 'ok').length
  }

  /** Milliseconds of the longest write so far. */
  get longest(): number {
    return Math.max(...this.#lines.filter(([what]) => what === 'ok').map(([, , ms]) => Number(ms)))
  }

  /** Waits until this many more writes are confirmed. */
  async resumes(deadline: number, more = 3): Promise<void> {
    const last = this.confirmed + more - 1
    await this.#process.output(new RegExp(`^ok ${last} `, 'm'), deadline)
  }

  async fails(deadline: number): Promise<void> {
    await this.#process.output(/^error /m, deadline)
  }

  /** It writes nothing until it is resumed. */
  async pause(): Promise<void> {
    await this.#process.kill('SIGSTOP')
  }

  async resume(): Promise<void> {
    await this.#process.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.#process.kill('SIGKILL')
    await this.#process.exited
  }

  /** Reads every confirmed block from the device. @returns `all there`, or which block differs */
  async check(): Promise<string> {
    await this.#node.sh('echo 3 > /proc/sys/vm/drop_caches')
    const ran = await this.#node.run(['node', PROGRAM, 'check', this.#file, String(this.confirmed)])
    return ran.stdout.trim() || ran.stderr
  }
}

/** The writer is stopped; no write had failed until then. */
export async function expectNoError(writer: Writer): Promise<void> {
  await writer.stop()
  expect(writer.errors).toBe(0)
}

/** The writer is stopped; no write had failed until then, and every confirmed block is on the device. */
export async function expectNothingLost(writer: Writer): Promise<void> {
  await expectNoError(writer)
  expect(await writer.check()).toBe('all there')
}
