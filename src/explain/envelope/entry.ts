import type { Written } from './written-time.ts'

/** A log message with everything that its envelopes say about it, whatever program wrote or wrapped it. */
export interface Entry {
  readonly time: Written | null
  /** Seconds since boot. */
  readonly uptime: number | null
  readonly host: string | null
  /** The program that wrote it, without path and unit suffix; null if unknown. */
  readonly program: string | null
  /** An identifier of the boot; another identifier is another boot. */
  readonly boot: string | null
  readonly message: string
}

/** What one envelope says, and its contents. */
export interface Layer {
  readonly time?: Written | null
  readonly uptime?: number | null
  readonly host?: string | null
  readonly program?: string | null
  readonly boot?: string | null
  readonly inner: string
}

export const BARE: Entry = {
  time: null,
  uptime: null,
  host: null,
  program: null,
  boot: null,
  message: '',
}

/**
 * An entry with one more envelope opened. The inner envelope was written first, so its information wins if it is as
 * precise.
 */
export function within(outer: Entry, layer: Layer): Entry {
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

/** `iscsid.service`, `/usr/sbin/iscsid` and `iscsid` are one program. */
export function programOf(name: string): string {
  return name
    .replace(/^.*\//, '')
    .replace(/\.(?:service|scope)$/, '')
    .toLowerCase()
}
