/** From the least to the most important. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The kind of line, for machines: a state that changed, or the subject of the line. */
export type LogCode =
  | 'outage-began'
  | 'hold-ended'
  | 'outage-ended'
  | 'reattached'
  | 'path'
  | 'identity'
  | 'recover'
  | 'misplaced'
  | 'holder'
  | 'search'
  | 'agent'
  | 'warning'
  | 'note'

/** One line of the agent's log. */
export interface LogEntry {
  readonly level: LogLevel
  readonly code: LogCode
  /** Null for lines that concern the whole node. */
  readonly volume: string | null
  readonly message: string
  /** Duration of what has ended, in seconds. */
  readonly seconds?: number | undefined
  /** Number of lines of this volume and code that were suppressed before this one. */
  readonly suppressed?: number | undefined
}

/** The entry as one line of text: `db: all paths lost`. */
export function entryText({ volume, message, suppressed = 0 }: LogEntry): string {
  const left = suppressed === 0 ? '' : ` (${suppressed} lines like this were left out)`
  // Most errors already name their volume.
  const isNamed = volume === null || message.startsWith(`${volume}: `)
  return `${isNamed ? message : `${volume}: ${message}`}${left}`
}

/** How many lines of one volume and code may come at once; then one a minute. More lines about a flapping path add nothing. */
export const LINES_AT_ONCE = 30
const REFILL_MS = 60_000

export interface LineBucket {
  readonly left: number
  readonly fromMs: number
  readonly suppressed: number
}

/** A token bucket as data. @returns the bucket afterwards, and whether the line may be written */
export function takeLine(
  bucket: LineBucket | undefined,
  nowMs: number,
): { readonly bucket: LineBucket; readonly passes: boolean; readonly suppressed: number } {
  const known = bucket ?? { left: LINES_AT_ONCE, fromMs: nowMs, suppressed: 0 }
  const refilled = Math.floor((nowMs - known.fromMs) / REFILL_MS)
  const left = Math.min(LINES_AT_ONCE, known.left + refilled)
  const fromMs = left === LINES_AT_ONCE ? nowMs : known.fromMs + refilled * REFILL_MS
  if (left === 0)
    return { bucket: { left, fromMs, suppressed: known.suppressed + 1 }, passes: false, suppressed: 0 }
  return { bucket: { left: left - 1, fromMs, suppressed: 0 }, passes: true, suppressed: known.suppressed }
}
