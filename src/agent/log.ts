import { monotonicMs } from '../host/clock.ts'
import type { LineBucket, LogCode, LogEntry, LogLevel } from '../model/log-entry.ts'
import { entryText, takeLine } from '../model/log-entry.ts'
import { Recent } from '../model/recent.ts'
import type { Observer } from '../volumes/step.ts'

/** Enough for several subjects of each of more volumes than a node has. If a line is forgotten, it is written once more. */
const MAX_SUBJECTS = 4096

/** The fields of a line besides its text. */
export type LogFields = Partial<Pick<LogEntry, 'code' | 'level' | 'seconds'>>

/** Codes of lines by their subject. */
const ABOUT: Readonly<Record<string, LogCode>> = {
  identity: 'identity',
  recover: 'recover',
  misplaced: 'misplaced',
  holder: 'holder',
  search: 'search',
}

const LEVELS: Partial<Record<LogCode, LogLevel>> = {
  'outage-began': 'warn',
  'hold-ended': 'error',
  identity: 'warn',
  recover: 'warn',
  misplaced: 'error',
  holder: 'warn',
  warning: 'warn',
}

/**
 * The agent's log: one line for each change of a volume's state, with a code and a duration. Lines of one kind
 * about one volume are rate-limited.
 */
export class AgentLog {
  readonly #write: (line: string, entry: LogEntry) => void
  readonly #last = new Recent<string, string>(MAX_SUBJECTS)
  readonly #buckets = new Recent<string, LineBucket>(MAX_SUBJECTS)
  readonly #nowMs: () => number

  constructor(write: (line: string, entry: LogEntry) => void, nowMs = monotonicMs) {
    this.#write = write
    this.#nowMs = nowMs
  }

  readonly observer: Observer = {
    warn: (volume, message) => this.say(volume, message, { code: 'warning' }),
  }

  say(volume: string | null, message: string, fields: LogFields = {}): void {
    const { code = volume === null ? 'agent' : 'note', seconds } = fields
    const level = fields.level ?? LEVELS[code] ?? 'info'
    const entry: LogEntry = { level, code, volume, message, ...(seconds === undefined ? {} : { seconds }) }
    if (volume === null) return this.#write(entryText(entry), entry)
    const key = `${volume} ${code}`
    const { bucket, passes, suppressed } = takeLine(this.#buckets.get(key), this.#nowMs())
    this.#buckets.set(key, bucket)
    if (!passes) return
    const whole = suppressed === 0 ? entry : { ...entry, suppressed }
    this.#write(entryText(whole), whole)
  }

  /** Writes a message only if it differs from the last one about the same subject. */
  once(volume: string, about: string, message: string): void {
    const key = `${volume} ${about}`
    if (this.#last.get(key) === message) return
    this.#last.set(key, message)
    // A subject with a colon is a portal; any other subject is a step that failed.
    this.say(volume, message, { code: ABOUT[about] ?? (about.includes(':') ? 'path' : 'note') })
  }
}
