import type { LogEvent } from './input.ts'

/** A log to be merged with others. */
export interface Source {
  /** The next event in the order of the log; null at its end. */
  next(): Promise<readonly LogEvent[] | null>
  /** Its name in the report. */
  readonly name: string
  /** The same for all logs of one host whose lines do not name it. */
  readonly log: string
}

/** An event with the log that contains it. */
interface MergedEvent {
  readonly event: LogEvent
  readonly source: Source
}

/** Two files of one host can contain the same line (syslog and kern.log). The copies are at most this far apart. */
const COPY_WINDOW_MS = 2000

/** Merges the events of several logs by time. An event that several logs of a host contain is yielded once. */
export async function* merged(sources: readonly Source[]): AsyncGenerator<MergedEvent> {
  const heads = await Promise.all(sources.map((source) => advance({ source, events: [], at: 0, index: 0 })))
  const open = heads.filter((head) => head !== null)
  open.forEach((head, index) => void (head.index = index))
  const isCopy = sources.length > 1 ? openCopies() : () => false
  while (open.length > 0) {
    const head = earliest(open)
    const event = head.events[head.at]!
    head.at++
    if (!isCopy(event, head.index)) yield { event, source: head.source }
    if (head.at >= head.events.length && (await advance(head)) === null) open.splice(open.indexOf(head), 1)
  }
}

interface Head {
  readonly source: Source
  events: readonly LogEvent[]
  at: number
  index: number
}

/** @returns null at the end of the log */
async function advance(head: Head): Promise<Head | null> {
  for (;;) {
    const events = await head.source.next()
    if (events === null) return null
    if (events.length === 0) continue
    head.events = events
    head.at = 0
    return head
  }
}

function earliest(heads: readonly Head[]): Head {
  let best = heads[0]!
  for (const head of heads) if (timeOf(head) < timeOf(best)) best = head
  return best
}

/** A log without dates cannot be merged by time: all of it comes first. */
function timeOf({ events, at }: Head): number {
  const { ms, log } = events[at]!.now
  return ms === null ? Number.NEGATIVE_INFINITY : ms - log.yearsTooMany * 365 * 86_400_000
}

/**
 * Reports whether an event is a copy of one that another log has already reported. Repetitions within a log are
 * counted, so that a line that one log contains twice stays two events.
 */
function openCopies(): (event: LogEvent, index: number) => boolean {
  let seen = new Map<string, Map<number, number>>()
  let since = Number.NEGATIVE_INFINITY
  return ({ host, event, now }, index) => {
    if (host === null || now.ms === null) return false
    const second = Math.floor(now.ms / 1000)
    if (now.ms - since > COPY_WINDOW_MS) {
      // Only events of this second and the one before can still have copies.
      seen = new Map(
        [...seen].filter(([key]) => key.startsWith(`${second} `) || key.startsWith(`${second - 1} `)),
      )
      since = now.ms
    }
    const key = `${second} ${host} ${JSON.stringify(event)}`
    const counts = seen.get(key) ?? new Map<number, number>()
    seen.set(key, counts)
    const mine = (counts.get(index) ?? 0) + 1
    const others = Math.max(0, ...[...counts].filter(([other]) => other !== index).map(([, count]) => count))
    counts.set(index, mine)
    return mine <= others
  }
}
