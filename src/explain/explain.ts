import { LunkeeperError } from '../model/errors.ts'
import type { Input } from './input.ts'
import { openInput } from './input.ts'
import { openMachines } from './machines.ts'
import { merged } from './merge.ts'
import type { Explanation, Span } from './report.ts'
import { openClock } from './story/clock.ts'
import type { Moment } from './story/moment.ts'
import { spanOf } from './story/moment.ts'

export interface ExplainOptions {
  /** When the log is read; a year is made of it where the log has none. */
  readonly now: Date
  /** When the machine of the log started, if that is known: gives dates to times since boot. */
  readonly booted?: Date
}

/** A log with a name. */
export interface NamedLog {
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  /** Logs of one set, as rotation leaves them, have one; they are of one host, if their lines do not name it. @default the name */
  readonly set?: string
}

/**
 * Reads one log, as it comes, and tells what happened to its iSCSI sessions. Memory grows with the outages, not with the
 * log. Never throws for what a log holds, but for one whose lines have no time.
 * @throws LOG_UNREADABLE
 */
export async function explain(log: AsyncIterable<Buffer>, options: ExplainOptions): Promise<Explanation> {
  return explainAll([{ name: '-', bytes: log }], options)
}

/**
 * Reads several logs side by side, in the order of their times: rotated files, hosts of one cluster. Of several, one that
 * cannot be read is reported and does not stop the others.
 * @throws LOG_UNREADABLE, or what reading the only log threw
 */
export async function explainAll(logs: readonly NamedLog[], options: ExplainOptions): Promise<Explanation> {
  const alone = logs.length === 1
  const readings = logs.map((log) => openReading(log, options, alone))
  const machines = openMachines()
  for await (const { told, log } of merged(readings)) machines.tell(told, log)
  const inputs = readings.map(({ input, name, problem }) => input.report(name, problem()))
  return {
    ...machines.conclude(),
    inputs,
    lines: inputs.reduce((sum, { lines }) => sum + lines, 0),
    span: wholeSpan(readings.map(({ input }) => input.span())),
  }
}

function openReading({ name, bytes, set }: NamedLog, options: ExplainOptions, alone: boolean) {
  const input = openInput(openClock(options.now, options.booted))
  const blocks = bytes[Symbol.asyncIterator]()
  let ended = false
  let problem: string | null = null

  function end(): void {
    ended = true
    input.end()
    if (!input.timeless) return
    const error = timeless()
    if (alone) throw error
    problem = error.message
  }

  return {
    input,
    name,
    log: set ?? name,
    problem: () => problem,
    async next() {
      if (ended) return null
      try {
        const block = await blocks.next()
        if (block.done) end()
        else input.feed(block.value)
      } catch (error) {
        if (alone) throw error
        if (!ended) end()
        problem = error instanceof Error ? error.message : String(error)
      }
      return input.take()
    },
  }
}

function timeless(): LunkeeperError {
  return new LunkeeperError(
    'LOG_UNREADABLE',
    'this is what dmesg -H prints: its lines do not tell their time',
    { hint: 'Give it dmesg, dmesg -T or journalctl -k instead.' },
  )
}

function wholeSpan(spans: readonly ReturnType<Input['span']>[]): Span {
  let first: Moment | null = null
  let last: Moment | null = null
  for (const span of spans) {
    if (span.first && (first === null || isBefore(span.first, first))) first = span.first
    if (span.last && (last === null || isBefore(last, span.last))) last = span.last
  }
  return spanOf({ first, last })
}

function isBefore(one: Moment, other: Moment): boolean {
  return one.ms !== null && (other.ms === null || one.ms < other.ms)
}
