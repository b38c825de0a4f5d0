import type { LabProcess } from '../index.ts'

/** The output of a program on a machine, one JSON document per line; each document is returned once. */
export class Lines<T> {
  readonly #process: LabProcess
  #read = 0

  constructor(process: LabProcess) {
    this.#process = process
  }

  next(): T[] {
    const text = this.#process.stdout
    const end = text.lastIndexOf('\n') + 1
    const lines = text.slice(this.#read, end).split('\n').filter(Boolean)
    this.#read = end
    return lines.map((line) => JSON.parse(line) as T)
  }
}
