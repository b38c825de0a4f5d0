import type { Line } from './line.ts'

type Fields = Readonly<Record<string, unknown>>

/** A line of `journalctl -o json`; null: not one, or some other program's. */
export function journalLine(text: string): Line | null {
  const fields = parsed(text)
  const source = fields && sourceOf(fields)
  // Bytes that are no text are written as numbers; what the kernel and iscsid say here is ASCII.
  if (!fields || !source || typeof fields.MESSAGE !== 'string') return null
  const real = Number(fields.__REALTIME_TIMESTAMP ?? Number.NaN) / 1000
  const since = Number(fields._SOURCE_MONOTONIC_TIMESTAMP ?? fields.__MONOTONIC_TIMESTAMP ?? Number.NaN) / 1e6
  return {
    time: Number.isFinite(real) && Math.abs(real) < 8.64e15 ? { kind: 'date', ms: real, zoned: true } : null,
    uptime: Number.isFinite(since) ? since : null,
    host: typeof fields._HOSTNAME === 'string' ? fields._HOSTNAME : null,
    source,
    message: fields.MESSAGE.trim(),
  }
}

function parsed(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Fields) : null
  } catch {
    // Cut short, or no JSON at all: a log may hold anything.
    return null
  }
}

function sourceOf({ SYSLOG_IDENTIFIER: name, _TRANSPORT: transport }: Fields): Line['source'] | null {
  if (name === 'kernel' || (name === undefined && transport === 'kernel')) return 'kernel'
  return name === 'iscsid' ? 'iscsid' : null
}
