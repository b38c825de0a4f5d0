import type { Told } from './input.ts'

/** A log that is read along with others. */
export interface Source {
  /** What comes next, in the order of the log; null at its end. */
  next(): Promise<readonly Told[] | null>
  readonly log: string
}

/** Files of one host have the same lines: syslog and kern.log. A second copy comes within so many seconds. */
const SAME_WITHIN_MS = 2000

/** Gives what several logs tell in the order in which it happened, and what several of them have in common once. */
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

/** @returns null at the end of its log */
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

/** A log without dates has an order of its own, and is told first. */
function timeOf({ told, at }: Head): number {
  const { ms, log } = told[at]!.now
  return ms === null ? Number.NEGATIVE_INFINITY : ms - log.yearsTooMany * 365 * 86_400_000
}

/** Whether a line was told already, by another log: as often as it was there. */
function openCopies(): (told: Told, index: number) => boolean {
  let seen = new Map<string, Map<number, number>>()
  let since = Number.NEGATIVE_INFINITY
  return ({ host, event, now }, index) => {
    if (host === null || now.ms === null) return false
    const second = Math.floor(now.ms / 1000)
    if (now.ms - since > SAME_WITHIN_MS) {
      // Of the window before, what may still have copies is of this second.
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
