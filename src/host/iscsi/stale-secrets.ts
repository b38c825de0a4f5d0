import { rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../host.ts'
import { entries, nodeDatabase } from './database.ts'

/** A record is written in milliseconds; a login with a copy of one ends within half a minute (login.ts). */
const WRITTEN = 10_000
const LOGGED_IN = 120_000

/** Name of writeDurable's temporary files for node records: .ADDRESS,PORT.RANDOM */
const UNFINISHED = /^\.[^/]+,\d+\.[0-9a-f]{12}$/

/**
 * Removes what a killed process left of node records: the temporary file, and the copy that a login was reading. Both
 * may contain a CHAP secret, and no other code removes them.
 */
export function removeStaleSecrets(host: Host): void {
  const place = dirname(nodeDatabase(host))
  for (const name of entries(place)) if (UNFINISHED.test(name)) removeOlder(join(place, name), WRITTEN)
  const overlays = join(host.places.runtime, 'overlays')
  for (const name of entries(overlays)) removeOlder(join(overlays, name), LOGGED_IN)
}

function removeOlder(path: string, age: number): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat && Date.now() - stat.mtimeMs > age) rmSync(path, { force: true })
}
