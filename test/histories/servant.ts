import type { LabNode, LabProcess } from '../../lab/index.ts'

/** The result of a request to a resident program. */
export type Answer<T = unknown> =
  | { readonly value: T }
  | { readonly error: { readonly code: string; readonly message: string } }

/** It did not answer in time. */
export class Late extends Error {}

/** A program that stays in the machine and answers requests in lines of JSON (guest/serve.mjs). */
export class Servant {
  readonly process: LabProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #asked = 0

  private constructor(process: LabProcess) {
    this.process = process
  }

  static async start(
    node: LabNode,
    argv: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Servant> {
    const servant = new Servant(await node.start(argv, { env }))
    const ready = new Promise<Answer>((resolve) => servant.#waiting.set(0, resolve))
    void servant.#listen()
    await ready
    return servant
  }

  async #listen(): Promise<void> {
    try {
      for await (const line of this.process.lines()) this.#dispatch(line)
    } catch (error) {
      const ended = { code: 'ENDED', message: (error as Error).message }
      for (const tell of this.#waiting.values()) tell({ error: ended })
      this.#waiting.clear()
    }
  }

  #dispatch(line: string): void {
    const { id, ...answer } = JSON.parse(line) as { id: number } & Answer
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }

  /** Resolves when the request is done, however long that takes. */
  ask<T>(what: string, args: object = {}): Promise<Answer<T>> {
    const id = ++this.#asked
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve))
    void this.process
      .write(`${JSON.stringify({ id, what, ...args })}\n`)
      .catch((error: unknown) =>
        this.#dispatch(JSON.stringify({ id, error: { code: 'ENDED', message: String(error) } })),
      )
    return answer as Promise<Answer<T>>
  }

  /** @throws Late */
  async within<T>(deadlineMs: number, what: string, args: object = {}): Promise<Answer<T>> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Late(`${what} ${JSON.stringify(args)} did not end within ${deadlineMs} ms`)),
        deadlineMs,
      )
    })
    try {
      return await Promise.race([this.ask<T>(what, args), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** The value. @throws if the request fails, or is late */
  async get<T>(deadlineMs: number, what: string, args: object = {}): Promise<T> {
    const answer = await this.within<T>(deadlineMs, what, args)
    if ('error' in answer) throw new Error(`${what}: ${answer.error.code}: ${answer.error.message}`)
    return answer.value
  }
}
