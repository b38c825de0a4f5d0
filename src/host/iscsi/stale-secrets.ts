import { rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../host.ts'
import { entries, nodeDatabase } from './database.ts'

/** Longer than it takes to write a record, which is milliseconds. */
const RECORD_WRITTEN_MS = 10_000
/** Longer than a login with a copy of a record, which is limited to half a minute (login.ts). */
const LOGIN_ENDED_MS = 120_000

/** The name of a temporary file that writeDurable uses for a node record: .ADDRESS,PORT.RANDOM */
const UNFINISHED = /^\.[^/]+,\d+\.[0-9a-f]{12}$/

/**
 * Removes files that a killed process left behind: the temporary file of a node record, and the copy of a record that a
 * login was reading. Both may contain a CHAP secret, and no other code removes them.
 */
export function removeStaleSecrets(host: Host): void {
  const place = dirname(nodeDatabase(host))
  for (const name of entries(place))
    if (UNFINISHED.test(name)) removeOlder(join(place, name), RECORD_WRITTEN_MS)
  const overlays = join(host.places.runtime, 'overlays')
  for (const name of entries(overlays)) removeOlder(join(overlays, name), LOGIN_ENDED_MS)
}

function removeOlder(path: string, age: number): void {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat && Date.now() - stat.mtimeMs > age) rmSync(path, { force: true })
}
