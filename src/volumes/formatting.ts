import { createHash } from 'node:crypto'
import { uptime } from 'node:os'
import { join } from 'node:path'

import * as z from 'zod/mini'

import type { Host } from '../host/host.ts'
import { readAttribute } from '../host/read/attribute.ts'
import { removeDurable } from '../host/store/durable.ts'
import { readNote, writeNote } from '../host/store/json-note.ts'
import type { Identity } from '../model/identity.ts'
import { identityDifference } from '../model/identity.ts'
import type { Begun } from '../model/plan/use.ts'
import { FILE_SYSTEMS } from '../model/request.ts'
import type { FileSystem } from '../model/request.ts'

/**
 * After this time the volume may have been used elsewhere in a way that leaves no signature. It is longer than an
 * outage during mkfs, and longer than an orchestrator needs to retry.
 */
const GOOD_FOR_S = 24 * 3600

const schema = z.strictObject({
  identity: z.strictObject({
    wwid: z.nullable(z.string()),
    serial: z.nullable(z.string()),
    bytes: z.number(),
  }),
  fs: z.enum(FILE_SYSTEMS),
  uuid: z.uuid(),
  /** ISO 8601, for people. */
  at: z.string(),
  boot: z.string(),
  /** Seconds since that boot, because the wall clock may be set. */
  uptime: z.number(),
})

/**
 * A file system of ours whose creation started on a volume that was proven blank a moment before, and did not
 * verifiably finish: mkfs or the node was killed, or the target went away. It is keyed by the volume's identity,
 * and not part of the attachment's record, because it must outlive a detach: an orchestrator detaches a volume that
 * it could not stage.
 * Null if there is none, or it belongs to another volume.
 */
export function readFormatting(host: Host, identity: Identity): Begun | null {
  const note = readNote(pathOf(host, identity), schema)
  if (note === null) return null
  const { wwid, serial, bytes } = note.identity
  // A LUN may grow meanwhile. Without a WWID, its size is part of what distinguishes it from another.
  const isAsLarge = wwid === null ? bytes === identity.bytes : bytes <= identity.bytes
  if (!isAsLarge || wwid !== identity.wwid || identityDifference(identity, { serial }) !== null) return null
  const { fs, uuid, at } = note
  const age = uptime() - note.uptime
  return { fs, uuid, at, isRecent: note.boot === bootOf(host) && age >= 0 && age < GOOD_FOR_S }
}

/** Durable before mkfs is started. @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function beginFormatting(host: Host, identity: Identity, fs: FileSystem, uuid: string): void {
  const { wwid, serial, bytes } = identity
  writeNote(pathOf(host, identity), {
    identity: { wwid, serial, bytes },
    fs,
    uuid,
    at: new Date().toISOString(),
    boot: bootOf(host),
    uptime: uptime(),
  })
}

/** mkfs finished, or the volume's contents changed: from now on only a blank volume is formatted. */
export function endFormatting(host: Host, identity: Identity): void {
  removeDurable(pathOf(host, identity))
}

/** The kernel creates another ID at each boot (random(4)). */
function bootOf({ paths }: Host): string {
  return readAttribute(`${paths.proc}/sys/kernel/random/boot_id`) ?? 'unknown'
}

function pathOf(host: Host, { wwid, serial }: Identity): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([wwid, serial]))
    .digest('hex')
    .slice(0, 32)
  return join(host.places.records, 'formatting', `${hash}.json`)
}
