import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import * as z from 'zod/mini'

import type { Host } from '../../host/host.ts'
import { createDurable, removeDurable, writeDurable } from '../../host/store/durable.ts'
import { unknownFields, whyInvalid } from '../../host/store/invalid-fields.ts'
import type { Attachment } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import { MAX_HOLD_S } from '../../model/hold.ts'
import { parseIqn } from '../../model/iqn.ts'
import { parseLun } from '../../model/lun.ts'
import type { VolumeName } from '../../model/name.ts'
import { parseName } from '../../model/name.ts'
import { FILE_SYSTEMS, HOLD_MODES } from '../../model/request.ts'
import { parseKey } from '../../model/reservation.ts'
import { parseWwid } from '../../model/wwid.ts'

/** Incremented if a reader of the old format could misunderstand the new one. */
const VERSION = 1

const hold = z.union([z.int().check(z.nonnegative(), z.lte(MAX_HOLD_S)), z.literal('forever')])
const portal = z.strictObject({
  host: z.string().check(z.minLength(1)),
  port: z.int().check(z.gte(1), z.lte(65_535)),
})
const text = z.string()
const lun = z.pipe(
  z.number(),
  z.transform((number: number) => parseLun(number)),
)
const name = z.pipe(text, z.transform(parseName))
const key = z.pipe(text, z.transform(parseKey))
const wwid = z.nullable(z.pipe(text, z.transform(parseWwid)))

/** The record as stored in its file. Unknown fields are an error: they may mean something to a newer Lunkeeper. */
const schema = z.strictObject({
  version: z.literal(VERSION),
  name,
  request: z.strictObject({
    name: z.nullable(name),
    iqn: z.pipe(text, z.transform(parseIqn)),
    portals: z.array(portal).check(z.minLength(1)),
    lun,
    expected: z.strictObject({ wwid, serial: z.nullable(text) }),
    hold: z.strictObject({ wanted: hold, mode: z.enum(HOLD_MODES) }),
    use: z.strictObject({
      mount: z.nullable(text),
      fs: z.nullable(z.enum(FILE_SYSTEMS)),
      format: z.boolean(),
      readOnly: z.boolean(),
      options: z.array(text),
    }),
    shared: z.optional(z.boolean()),
    fence: z.optional(z.enum(['auto', 'off'])),
  }),
  phase: z.enum(['attaching', 'ready', 'detaching']),
  identity: z.nullable(
    z.strictObject({ wwid, serial: z.nullable(text), bytes: z.number().check(z.nonnegative()) }),
  ),
  mode: z.nullable(z.enum(['map', 'session', 'multipathd'])),
  device: z.nullable(text),
  fs: z.nullable(text),
  formatting: z.nullable(z.strictObject({ fs: z.enum(FILE_SYSTEMS), uuid: z.uuid() })),
  knownToMultipath: z.boolean(),
  askedLun: z._default(z.nullable(lun), null),
  madeDirectories: z.array(text),
  // Missing from the first records of this version.
  protectedDirectory: z._default(z.nullable(text), null),
  writeOut: z._default(
    z.nullable(z.strictObject({ device: text, errors: z.record(text, z.number()), lost: z.nullable(text) })),
    null,
  ),
  createdAt: text,
  machine: z.optional(z.templateLiteral([z.enum(['machine-id', 'product-uuid', 'initiator']), ':', text])),
  orchestrator: z.optional(z.enum(['csi'])),
  fence: z.optional(z.strictObject({ key, persists: z.boolean(), isReleasing: z.optional(z.boolean()) })),
  publication: z.optional(z.strictObject({ attachment: text, uid: text })),
  mark: z.optional(
    z.strictObject({ uuid: text, mounts: z.number(), mountedAt: z.number(), checkedAt: z.number() }),
  ),
})

/** A file among the records that cannot be used. */
export interface CorruptRecord {
  readonly path: string
  readonly reason: string
  readonly error: LunkeeperError
}

export interface Records {
  readonly attachments: readonly Attachment[]
  readonly corrupt: readonly CorruptRecord[]
}

function directory(host: Host): string {
  return join(host.places.records, 'volumes')
}

function pathOf(host: Host, name: VolumeName): string {
  return join(directory(host), `${name}.json`)
}

/** All records; one that cannot be parsed does not hide the others. @throws NO_PERMISSION */
export function readRecords(host: Host): Records {
  const attachments: Attachment[] = []
  const corrupt: CorruptRecord[] = []
  const files = recordFiles(host)
  forgetRemoved(directory(host), files)
  for (const file of files) {
    const path = join(directory(host), file)
    try {
      const found = readRecordFile(path)
      if (found) attachments.push(found)
    } catch (error) {
      if (!(error instanceof LunkeeperError)) throw error
      corrupt.push({ path, reason: error.message, error })
    }
  }
  return { attachments, corrupt }
}

function recordFiles(host: Host): string[] {
  try {
    return readdirSync(directory(host))
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .toSorted()
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw new LunkeeperError(
      code === 'EACCES' ? 'NO_PERMISSION' : 'RECORD_UNWRITABLE',
      `the records cannot be read: ${message}`,
      { cause },
    )
  }
}

/** Refuses the name of a record that cannot be used. @throws RECORD_CORRUPT RECORD_NEWER */
export function refuseCorrupt({ corrupt }: Records, name: string): void {
  const broken = corrupt.find(({ path }) => path.endsWith(`/${name}.json`))
  if (broken) throw broken.error
}

/** Null if there is no record. @throws RECORD_CORRUPT RECORD_NEWER */
export function readRecord(host: Host, name: VolumeName): Attachment | null {
  return readRecordFile(pathOf(host, name))
}

// A record is always replaced as a whole, by rename: the same inode with the same time has the same contents. A
// node with hundreds of volumes can so be listed without reading hundreds of files.
const parsed = new Map<string, { readonly stamp: string; readonly attachment: Attachment }>()

/** Do not keep cached records of deleted files: thousands of volumes come and go on a node. */
function forgetRemoved(directory: string, files: readonly string[]): void {
  const present = new Set(files)
  for (const path of parsed.keys())
    if (dirname(path) === directory && !present.has(basename(path))) parsed.delete(path)
}

/** Number of cached records. For tests. */
export function countKept(): number {
  return parsed.size
}

function readRecordFile(path: string): Attachment | null {
  const stamp = stampOf(path)
  const known = parsed.get(path)
  if (known && known.stamp === stamp) return known.attachment
  parsed.delete(path)
  const attachment = stamp === null ? null : parseRecordFile(path)
  if (attachment && stamp !== null) parsed.set(path, { stamp, attachment })
  return attachment
}

function stampOf(path: string): string | null {
  try {
    const { ino, mtimeNs, ctimeNs, size } = statSync(path, { bigint: true })
    return `${ino} ${mtimeNs} ${ctimeNs} ${size}`
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new LunkeeperError('NO_PERMISSION', `${path}: ${message}`, { cause })
  }
}

function parseRecordFile(path: string): Attachment | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return null
    throw new LunkeeperError(code === 'EACCES' ? 'NO_PERMISSION' : 'RECORD_CORRUPT', `${path}: ${message}`, {
      cause,
    })
  }
  return parseRecord(path, text)
}

/** @param path of the record's file, which is named after the volume @throws RECORD_CORRUPT RECORD_NEWER */
export function parseRecord(path: string, text: string): Attachment {
  try {
    const data: unknown = JSON.parse(text)
    refuseNewer(path, data)
    const { version: _, ...attachment } = schema.parse(data, { reportInput: true })
    // A copy under another name is not a second attachment.
    if (attachment.name !== basename(path, '.json')) throw new Error(`it is the record of ${attachment.name}`)
    return attachment
  } catch (cause) {
    if (isLunkeeperError(cause, 'RECORD_NEWER')) throw cause
    const [unknown] = unknownFields(cause)
    throw unknown === undefined
      ? new LunkeeperError('RECORD_CORRUPT', `${path} is not a valid record: ${whyInvalid(cause)}`, {
          cause,
          details: { path },
        })
      : newer(path, `it has the field ${unknown}, which this version does not know`, cause)
  }
}

/** Before the fields are checked: a newer format may have other ones. @throws RECORD_NEWER */
function refuseNewer(path: string, data: unknown): void {
  const version = typeof data === 'object' && data !== null && 'version' in data ? data.version : null
  if (typeof version === 'number' && version > VERSION)
    throw newer(path, `its format is version ${version}, and this version knows ${VERSION}`)
}

function newer(path: string, why: string, cause?: unknown): LunkeeperError {
  return new LunkeeperError('RECORD_NEWER', `${path} was written by a newer Lunkeeper: ${why}`, {
    cause,
    details: { path },
  })
}

/** @throws NO_SPACE NO_PERMISSION RECORD_UNWRITABLE */
export function writeRecord(host: Host, attachment: Attachment): void {
  writeDurable(pathOf(host, attachment.name), render(attachment))
}

/** Creates the first record of a name: if two volumes request it, one succeeds. @throws CONFLICT NO_SPACE … */
export function createRecord(host: Host, attachment: Attachment): void {
  if (!createDurable(pathOf(host, attachment.name), render(attachment)))
    throw new LunkeeperError('CONFLICT', `the name ${attachment.name} is taken`)
}

export function removeRecord(host: Host, name: VolumeName): void {
  removeDurable(pathOf(host, name))
}

function render(attachment: Attachment): string {
  return `${JSON.stringify({ version: VERSION, ...attachment }, null, 2)}\n`
}
