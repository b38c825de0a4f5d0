import { fstatSync } from 'node:fs'

import type { LogEntry, LogLevel } from '../../model/log-entry.ts'
import { LOG_LEVELS } from '../../model/log-entry.ts'
import { oneLine, printableJsonLine } from '../../model/printable.ts'

export const LOG_FORMATS = ['text', 'json'] as const
export type LogFormat = (typeof LOG_FORMATS)[number]

export interface LogOptions {
  /** Null: text; JSON in a container. */
  readonly format: LogFormat | null
  readonly level: LogLevel
}

export interface LogWriter {
  /** Writes a line of the agent. @param entry the same as fields */
  readonly write: (line: string, entry: LogEntry) => void
  /** Writes a line of a service beside the agent. */
  readonly say: (line: string) => void
}

/** Priorities for the prefix `<N>`, which the journal reads and removes (sd-daemon(3)). */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { debug: 7, info: 6, warn: 4, error: 3 }

/**
 * Opens the log of a service: lines of text, or one JSON object per line.
 * @param isJournal stderr is connected to the journal
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

/**
 * Compares the device and inode of stderr with JOURNAL_STREAM, which is also inherited if stderr was redirected
 * (systemd.exec(5)).
 */
function isStderrJournal(): boolean {
  try {
    const { dev, ino } = fstatSync(process.stderr.fd)
    return process.env['JOURNAL_STREAM'] === `${dev}:${ino}`
  } catch {
    return false
  }
}
