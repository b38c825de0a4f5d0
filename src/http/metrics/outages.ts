import { mkdirSync, watch } from 'node:fs'
import { readdirSync } from 'node:fs'

import type { Registry } from '@prometheus-io/client'
import { Counter, Histogram } from '@prometheus-io/client'

import type { HoldNote } from '../../hold/note.ts'
import { holdNotes, readHoldNote } from '../../hold/note.ts'
import type { Host } from '../../host/host.ts'
import { isName } from '../../model/name.ts'

/** From what nobody notices to what outlives any hold. */
const SECONDS = [1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600, 14_400]

/**
 * Counts outages, told by the notes that the agent keeps of them: a note is there from the loss of the last
 * path until the volume is usable again. One that had begun before is not counted as begun once more.
 */
export function outageMetrics(host: Host, registers: Registry[]): Disposable {
  const begun = new Counter({
    name: 'lunkeeper_outages_total',
    help: 'Times that a volume lost its last path.',
    registers,
  })
  const lengths = new Histogram({
    name: 'lunkeeper_outage_duration_seconds',
    help: 'From the loss of the last path until the volume was usable again, by whether its I/O failed meanwhile.',
    labelNames: ['io'],
    buckets: SECONDS,
    registers,
  })
  const directory = holdNotes(host)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  let known = notesNow()

  function notesNow(): Map<string, HoldNote> {
    const names = readdirSync(directory).flatMap((file) => /^([^.].*)\.json$/.exec(file)?.[1] ?? [])
    return new Map(
      names.flatMap((name) => {
        const note = isName(name) ? readHoldNote(host, name) : null
        return note ? [[name, note] as const] : []
      }),
    )
  }

  function compare(): void {
    const now = notesNow()
    for (const [name, { since }] of now) if (known.get(name)?.since !== since) begun.inc()
    for (const [name, { since, ended }] of known)
      if (now.get(name)?.since !== since)
        lengths.observe({ io: ended === null ? 'waited' : 'failed' }, (Date.now() - Date.parse(since)) / 1000)
    known = now
  }

  const watcher = watch(directory, compare).on('error', () => {})
  return { [Symbol.dispose]: () => watcher.close() }
}
