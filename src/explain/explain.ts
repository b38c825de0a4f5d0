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
  /** When the log is read; used to add the year to dates without one. */
  readonly now: Date
  /** When the machine of the log started, if known; used to date times since boot. */
  readonly booted?: Date
}

/** A named log. */
export interface NamedLog {
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  /**
   * Logs of one rotated set have the same value. If their lines name no host, they are of the same one. @default the
   * name
   */
  readonly set?: string
}

/**
 * Reads one log as a stream and reports what happened to its iSCSI sessions. Memory grows with the number of outages,
 * not with the log. No contents of a log make it throw, except lines without times.
 * @throws LOG_UNREADABLE
 */
export async function explain(log: AsyncIterable<Buffer>, options: ExplainOptions): Promise<Explanation> {
  return explainAll([{ name: '-', bytes: log }], options)
}

/**
 * Reads several logs side by side, merged by time: rotated files, hosts of one cluster. If one of several logs cannot
 * be read, this is reported and the others continue.
 * @throws LOG_UNREADABLE, or the error of reading the only log
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
    'this is the output of dmesg -H, whose lines have no absolute times',
    { hint: 'Use dmesg, dmesg -T or journalctl -k instead.' },
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
