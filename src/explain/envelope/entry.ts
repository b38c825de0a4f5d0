import type { Written } from './written-time.ts'

/** A message of a log with what its envelopes say about it, whatever wrote it and whatever it is wrapped in. */
export interface Entry {
  readonly time: Written | null
  /** Seconds since boot. */
  readonly uptime: number | null
  readonly host: string | null
  /** The program that wrote it, without path and unit suffix; null: not told. */
  readonly program: string | null
  /** An identifier of the boot; another one is another boot. */
  readonly boot: string | null
  readonly message: string
}

/** What one envelope says, and what is inside. */
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

/** An entry with one more envelope opened. What stands inside was written first and counts, where it says as much. */
export function within(outer: Entry, layer: Layer): Entry {
  const time = layer.time ?? null
  return {
    // A date without a year is less than one with it.
    time: time === null || (time.kind === 'yearless' && outer.time?.kind === 'date') ? outer.time : time,
    uptime: layer.uptime ?? outer.uptime,
    host: layer.host ?? outer.host,
    program: layer.program ?? outer.program,
    boot: layer.boot ?? outer.boot,
    message: layer.inner,
  }
}

/** `iscsid.service`, `/usr/sbin/iscsid`, `iscsid`: one program. */
export function programOf(name: string): string {
  return name
    .replace(/^.*\//, '')
    .replace(/\.(?:service|scope)$/, '')
    .toLowerCase()
}
