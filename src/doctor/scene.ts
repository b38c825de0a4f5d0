import type { Host } from '../host/host.ts'
import type { NodeFacts } from './facts.ts'
import { readFacts } from './facts.ts'
import { withCache } from '../host/read/cache.ts'
import { isAgentRunning } from '../state/records/agent-lock.ts'
import { readSnapshot } from '../host/read/snapshot.ts'
import type { Attachment, SessionStatus, VolumeStatus } from '../model/attachment.ts'
import type { Snapshot } from '../model/snapshot.ts'
import type { CorruptRecord } from '../state/records/volumes.ts'
import { readRecords } from '../state/records/volumes.ts'
import { listSessions } from '../state/view/sessions.ts'

/** What all checks examine, read once. */
export interface Scene {
  /** Reads sessions, disks, maps and mounts once: all checks judge one state of the node. */
  readonly host: Host
  /** Reads everything again, for a check that acts on what it has read. */
  readonly live: Host
  readonly records: readonly Attachment[]
  readonly corrupt: readonly CorruptRecord[]
  readonly snapshot: Snapshot
  readonly sessions: readonly SessionStatus[]
  readonly agent: boolean
  readonly facts: NodeFacts
}

/** A volume: its record and its current state. */
export interface Patient {
  readonly record: Attachment
  readonly status: VolumeStatus
}

/** @throws NO_PERMISSION */
export async function readScene(live: Host): Promise<Scene> {
  const host = { ...live, paths: withCache(live.paths) }
  const { attachments, corrupt } = readRecords(host)
  return {
    host,
    live,
    records: attachments,
    corrupt,
    snapshot: readSnapshot(host.paths),
    sessions: listSessions(host),
    agent: await isAgentRunning(host),
    facts: await readFacts(host, attachments),
  }
}
