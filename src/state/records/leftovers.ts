import { rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Host } from '../../host/host.ts'
import { entries, nodeDatabase } from '../../host/iscsi/database.ts'
import { MULTIPATHD_POLICY } from '../../host/map/multipathd-policy.ts'

/** Longer than it takes to write a file, even if `fsync` waits for a busy disk or the process is stopped for a while. */
const FILE_WRITTEN_MS = 600_000
/** The same for a node record. It may contain a secret, which must stay as briefly as possible. */
const NODE_RECORD_WRITTEN_MS = 60_000
/** Longer than a login with a copy of a record, which is limited to half a minute (src/host/iscsi/login.ts). */
const LOGIN_ENDED_MS = 120_000

/** The name of the temporary file of `writeDurable`: .NAME.RANDOM */
const UNFINISHED = /^\..+\.[0-9a-f]{12}$/
/** The same for a node record, among files of other programs: .ADDRESS,PORT.RANDOM */
const UNFINISHED_NODE_RECORD = /^\.[^/]+,\d+\.[0-9a-f]{12}$/

/** The same for the configuration of multipathd. */
const UNFINISHED_POLICY = /^\.zz-lunkeeper\.conf\.[0-9a-f]{12}$/

/**
 * Removes the files that a killed process left behind: temporary files of records and notes, and copies of node
 * records that a login was reading. Those of node records may contain a CHAP secret. No other code removes these
 * files.
 */
export function removeLeftovers(host: Host): void {
  const { records, runtime } = host.places
  sweep(dirname(nodeDatabase(host)), UNFINISHED_NODE_RECORD, NODE_RECORD_WRITTEN_MS)
  for (const name of ['volumes', 'formatting', 'fenced'])
    sweep(join(records, name), UNFINISHED, FILE_WRITTEN_MS)
  for (const name of ['', 'holds', 'registered', 'attached', 'sessions', 'csi'])
    sweep(join(runtime, name), UNFINISHED, FILE_WRITTEN_MS)
  sweep(join(host.paths.root, dirname(MULTIPATHD_POLICY)), UNFINISHED_POLICY, FILE_WRITTEN_MS)
  sweep(join(runtime, 'overlays'), /^/, LOGIN_ENDED_MS)
}

function sweep(directory: string, pattern: RegExp, ageMs: number): void {
  for (const name of entries(directory)) if (pattern.test(name)) removeOlder(join(directory, name), ageMs)
}

/** A file that cannot be removed stays: it must not prevent a volume from being attached or detached. */
function removeOlder(path: string, ageMs: number): void {
  try {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat && Date.now() - stat.mtimeMs > ageMs) rmSync(path, { force: true })
  } catch {
    // The next command tries again.
  }
}
