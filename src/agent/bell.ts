import { mkdirSync, watch } from 'node:fs'

/** Wakes the agent when a record or a note changes; else after a while. */
export class Bell implements Disposable {
  #rang = true
  #wake = () => {}
  readonly #watchers

  constructor(directories: readonly string[], signal: AbortSignal) {
    const ring = () => this.ring()
    this.#watchers = directories.map((directory) => {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      return watch(directory, ring).on('error', () => {})
    })
    signal.addEventListener('abort', ring, { once: true })
  }

  ring(): void {
    this.#rang = true
    this.#wake()
  }

  /** The next turn begins now; nothing was written that must be read. */
  wake(): void {
    this.#wake()
  }

  /** Whether it rang since it was last asked. */
  rang(): boolean {
    const rang = this.#rang
    this.#rang = false
    return rang
  }

  async within(milliseconds: number): Promise<void> {
    if (this.#rang) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, milliseconds)
    await promise
    clearTimeout(timer)
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close()
  }
}
