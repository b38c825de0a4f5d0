import type { Told } from './input.ts'

/** A log that is merged with others. */
export interface Source {
  /** The next event in the order of the log; null at its end. */
  next(): Promise<readonly Told[] | null>
  readonly log: string
}

/** Files of one host have lines in common (syslog and kern.log). A copy comes within this many seconds. */
const SAME_WITHIN_MS = 2000

/** Merges the events of several logs by time, and reports lines that several of them have in common once. */
export async function* merged(sources: readonly Source[]): AsyncGenerator<{ told: Told; log: string }> {
  const heads = await Promise.all(sources.map((source) => advance({ source, told: [], at: 0, index: 0 })))
  const open = heads.filter((head) => head !== null)
  open.forEach((head, index) => void (head.index = index))
  const isCopy = sources.length > 1 ? openCopies() : () => false
  while (open.length > 0) {
    const head = earliest(open)
    const told = head.told[head.at]!
    head.at++
    if (!isCopy(told, head.index)) yield { told, log: head.source.log }
    if (head.at >= head.told.length && (await advance(head)) === null) open.splice(open.indexOf(head), 1)
  }
}

interface Head {
  readonly source: Source
  told: readonly Told[]
  at: number
  index: number
}

/** @returns null at the end of the log */
async function advance(head: Head): Promise<Head | null> {
  for (;;) {
    const told = await head.source.next()
    if (told === null) return null
    if (told.length === 0) continue
    head.told = told
    head.at = 0
    return head
  }
}

function earliest(heads: readonly Head[]): Head {
  let best = heads[0]!
  for (const head of heads) if (timeOf(head) < timeOf(best)) best = head
  return best
}

/** A log without dates has an order of its own, and comes first. */
function timeOf({ told, at }: Head): number {
  const { ms, log } = told[at]!.now
  return ms === null ? Number.NEGATIVE_INFINITY : ms - log.yearsTooMany * 365 * 86_400_000
}

/** Whether another log has already reported this line; counts repetitions. */
function openCopies(): (told: Told, index: number) => boolean {
  let seen = new Map<string, Map<number, number>>()
  let since = Number.NEGATIVE_INFINITY
  return ({ host, event, now }, index) => {
    if (host === null || now.ms === null) return false
    const second = Math.floor(now.ms / 1000)
    if (now.ms - since > SAME_WITHIN_MS) {
      // Of the previous window, only lines of this second may still have copies.
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
