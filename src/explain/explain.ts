import { LunkeeperError } from '../model/errors.ts'
import type { InputReader } from './input.ts'
import { openInput } from './input.ts'
import { openHosts } from './hosts.ts'
import { merged } from './merge.ts'
import type { Explanation, Span } from './report.ts'
import { openClock } from './analysis/clock.ts'
import type { LogMoment } from './analysis/moment.ts'
import { spanOf } from './analysis/moment.ts'

export interface AnalysisOptions {
  /** When the log is read. Dates without a year are completed so that none is later. */
  readonly now: Date
  /** When the machine of the log booted, if known. Times since boot are converted to dates with it. */
  readonly booted?: Date
}

/** A log and its name in the report. */
export interface NamedLog {
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  /**
   * The rotated set that the log belongs to. Logs of one set whose lines name no host are taken for logs of one host.
   * @default the name
   */
  readonly set?: string
}

/**
 * Reads one log as a stream and reports what happened to its iSCSI sessions. Memory grows with the number of outages,
 * not with the length of the log. The only contents that make it throw are those of `dmesg -H`: lines without absolute
 * times.
 * @throws LOG_UNREADABLE
 */
export async function explain(log: AsyncIterable<Buffer>, options: AnalysisOptions): Promise<Explanation> {
  return explainAll([{ name: '-', bytes: log }], options)
}

/**
 * Reads several logs at once and merges them by time: rotated files, or the hosts of a cluster. If one of several logs
 * cannot be read, the report says so and includes the others.
 * @throws LOG_UNREADABLE, or the error of reading the only log
 */
export async function explainAll(logs: readonly NamedLog[], options: AnalysisOptions): Promise<Explanation> {
  const isOnly = logs.length === 1
  const sources = logs.map((log) => openSource(log, options, isOnly))
  const hosts = openHosts()
  for await (const { event, source } of merged(sources)) hosts.add(event, source)
  const inputs = sources.map(({ input, name, problem }) => input.report(name, problem()))
  return {
    ...hosts.conclude(),
    inputs,
    lines: inputs.reduce((sum, { lines }) => sum + lines, 0),
    span: totalSpan(sources.map(({ input }) => input.span())),
  }
}

function openSource({ name, bytes, set }: NamedLog, options: AnalysisOptions, isOnly: boolean) {
  const input = openInput(openClock(options.now, options.booted))
  const blocks = bytes[Symbol.asyncIterator]()
  let ended = false
  let problem: string | null = null

  function end(): void {
    ended = true
    input.end()
    if (!input.hasOnlyDeltas) return
    const error = noAbsoluteTimes()
    if (isOnly) throw error
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
        if (isOnly) throw error
        if (!ended) end()
        problem = error instanceof Error ? error.message : String(error)
      }
      return input.take()
    },
  }
}

function noAbsoluteTimes(): LunkeeperError {
  return new LunkeeperError(
    'LOG_UNREADABLE',
    'this is the output of dmesg -H, whose lines have no absolute times',
    { hint: 'Use dmesg, dmesg -T or journalctl -k instead.' },
  )
}

function totalSpan(spans: readonly ReturnType<InputReader['span']>[]): Span {
  let first: LogMoment | null = null
  let last: LogMoment | null = null
  for (const span of spans) {
    if (span.first && (first === null || isBefore(span.first, first))) first = span.first
    if (span.last && (last === null || isBefore(last, span.last))) last = span.last
  }
  return spanOf({ first, last })
}

function isBefore(one: LogMoment, other: LogMoment): boolean {
  return one.ms !== null && (other.ms === null || one.ms < other.ms)
}
