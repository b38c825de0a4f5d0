import { fstatSync } from 'node:fs'

import type { LogEntry, LogLevel } from '../../model/log-entry.ts'
import { LOG_LEVELS } from '../../model/log-entry.ts'
import { oneLine, printableJsonLine } from '../../model/printable.ts'

export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LogOptions {
  /** Null: text, and JSON in a container. */
  readonly format: LogFormat | null
  readonly level: LogLevel
}

export interface LogWriter {
  /** A line of the agent. */
  readonly write: (line: string, entry: LogEntry) => void
  /** A line of a service beside it. */
  readonly say: (line: string) => void
}

/** sd-daemon(3): the journal takes the priority from it, and does not show it. */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 }

/**
 * Writes a service's log: lines of text for people, or one JSON object a line.
 * @param isJournal stderr is the journal's
 */
export function logWriter(
  { format, level: least }: LogOptions & { readonly format: LogFormat },
  out: (line: string) => void,
  isJournal = isStderrJournal(),
  now: () => Date = () => new Date(),
): LogWriter {
  const isShown = (level: LogLevel) => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least)
  const put = (
    line: string,
    { level, message, ...fields }: Partial<LogEntry> & { level: LogLevel; message: string },
  ) => {
    if (!isShown(level)) return
    if (format === 'json')
      out(printableJsonLine({ time: now().toISOString(), level, msg: message, ...fields }))
    else out(`${isJournal ? `<${PRIORITIES[level]}>` : ''}${oneLine(line)}`)
  }
  return {
    write: put,
    say: (line) => put(line, { level: 'info', message: line }),
  }
}

/** The variable is inherited, the stream may not be: its device and inode are compared (systemd.exec(5), JOURNAL_STREAM). */
function isStderrJournal(): boolean {
  try {
    const { dev, ino } = fstatSync(process.stderr.fd)
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`
  } catch {
    return false
  }
}
