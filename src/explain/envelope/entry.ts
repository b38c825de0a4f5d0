import type { Written } from './written-time.ts'

/** A log message, with what its envelopes (syslog header, JSON record, container log, …) say about it. */
export interface SystemLogEntry {
  readonly time: Written | null
  /** Seconds since boot. */
  readonly uptime: number | null
  readonly host: string | null
  /** The program that wrote the message, without path and unit suffix; null if unknown. */
  readonly program: string | null
  /** Identifier of the boot during which the message was written. */
  readonly boot: string | null
  readonly message: string
}

/** The information in one envelope, and the text inside it. */
export interface Layer {
  readonly time?: Written | null
  readonly uptime?: number | null
  readonly host?: string | null
  readonly program?: string | null
  readonly boot?: string | null
  readonly inner: string
}

export const EMPTY_ENTRY: SystemLogEntry = {
  time: null,
  uptime: null,
  host: null,
  program: null,
  boot: null,
  message: '',
}

/**
 * The entry after one more envelope was removed. The inner envelope was written first, so its information replaces that
 * of the outer one, unless it is less precise.
 */
export function unwrapped(outer: SystemLogEntry, layer: Layer): SystemLogEntry {
  const time = layer.time ?? null
  return {
    // A date without a year is less precise than one with it.
    time: time === null || (time.kind === 'yearless' && outer.time?.kind === 'date') ? outer.time : time,
    uptime: layer.uptime ?? outer.uptime,
    host: layer.host ?? outer.host,
    program: layer.program ?? outer.program,
    boot: layer.boot ?? outer.boot,
    message: layer.inner,
  }
}

/** The name of a program without path and unit suffix: `iscsid` for `/usr/sbin/iscsid` and `iscsid.service`. */
export function programOf(name: string): string {
  return name
    .replace(/^.*\//, '')
    .replace(/\.(?:service|scope)$/, '')
    .toLowerCase()
}
