import { Recent } from '../model/recent.ts'
import type { Observer } from '../volumes/step.ts'

/** Several for each of more volumes than a node has. What is forgotten is said once more. */
const MOST = 4096

/** What the agent tells the journal: one line an event, on stderr; systemd adds time and name. */
export class AgentLog {
  readonly #write: (line: string) => void
  readonly #last = new Recent<string, string>(MOST)

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  readonly observer: Observer = { warn: (volume, message) => this.say(volume, message) }

  say(volume: string | null, message: string): void {
    // Most errors name their volume themselves.
    const isNamed = volume === null || message.startsWith(`${volume}: `)
    this.#write(isNamed ? message : `${volume}: ${message}`)
  }

  /** What is said again and again while it lasts is said once. */
  once(volume: string, about: string, message: string): void {
    const key = `${volume} ${about}`
    if (this.#last.get(key) === message) return
    this.#last.set(key, message)
    this.say(volume, message)
  }
}
