import { existsSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { LunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { samePortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'
import { createDurable, removeDurable } from '../store/durable.ts'
import { entries, nodeDatabase } from './database.ts'
import type { LoginSettings } from './record-text.ts'
import { newRecordText, overlayText, scanIn, settingsIn } from './record-text.ts'

/** A node record of open-iscsi: the settings for logging in to one portal of one target. */
export interface NodeRecord {
  readonly path: string
  /** Whether we created it and no other program has changed it: iscsiadm drops our mark whenever it writes the file. */
  readonly ours: boolean
  /** The interface that the record is bound to; null for a record without a portal group, which is a single file. */
  readonly iface: string | null
}

const MARK = '# Made by Lunkeeper; it goes with the last volume of this target.'

/**
 * The record for this portal, whichever program created it. Layout: nodes/IQN/ADDRESS,PORT (a file, if the portal group
 * is unknown) or nodes/IQN/ADDRESS,PORT,TPGT/IFACE.
 */
export function findNodeRecord(host: Host, iqn: Iqn, portal: Portal): NodeRecord | null {
  const target = join(nodeDatabase(host), iqn)
  for (const name of entries(target)) {
    const [address = '', port = ''] = name.split(',')
    if (Number(port) !== portal.port || !sameAddress(address, portal)) continue
    const path = join(target, name)
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) return { path, ours: isOurs(path), iface: null }
    const ifaces = entries(path)
    const iface = ifaces.includes('default') ? 'default' : ifaces[0]
    if (iface) return { path: join(path, iface), ours: isOurs(join(path, iface)), iface }
  }
  return null
}

function sameAddress(address: string, portal: Portal): boolean {
  return samePortal({ host: address, port: portal.port }, portal)
}

function isOurs(path: string): boolean {
  try {
    return readFileSync(path, 'utf8').startsWith(MARK)
  } catch {
    return false
  }
}

/**
 * Creates a record as `iscsiadm -o new` would (the defaults of iscsid.conf), with our settings on top: atomically, with
 * mode 0600, and with no secret on a command line. Never overwrites an existing record: one that another program creates
 * at the same moment is returned instead.
 * @throws NO_SPACE NO_PERMISSION DATABASE_FAILED
 */
export function makeNodeRecord(host: Host, iqn: Iqn, portal: Portal, settings: LoginSettings): NodeRecord {
  const database = nodeDatabase(host)
  const path = join(database, iqn, `${portal.host},${portal.port}`)
  const lines = newRecordText(iqn, portal, siteText(host), settings)
  try {
    // The temporary file is outside nodes/, because open-iscsi takes every name in there for a target or portal.
    if (!createDurable(path, `${MARK}\n${lines}`, existing(dirname(database))))
      return findNodeRecord(host, iqn, portal) ?? { path, ours: false, iface: null }
  } catch (error) {
    if (error instanceof LunkeeperError && error.code === 'RECORD_UNWRITABLE')
      throw new LunkeeperError('DATABASE_FAILED', error.message, { cause: error })
    throw error
  }
  return { path, ours: true, iface: null }
}

function existing(path: string): string {
  if (!existsSync(path))
    throw new LunkeeperError('DATABASE_FAILED', `${path} is not there: is open-iscsi installed?`)
  return path
}

/**
 * The text of the record in `path` with our settings on top, for a login that does not change the file.
 * @throws DATABASE_FAILED another program has removed it meanwhile
 */
export function overlayNodeRecord(path: string, settings: LoginSettings): string {
  try {
    return overlayText(readFileSync(path, 'utf8'), settings)
  } catch (cause) {
    throw new LunkeeperError(
      'DATABASE_FAILED',
      `the node record cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    )
  }
}

/** Removes the record if it is ours, and the target's directory once it is empty. @returns whether a record was removed */
export async function removeNodeRecord(host: Host, iqn: Iqn, portal: Portal): Promise<boolean> {
  const record = findNodeRecord(host, iqn, portal)
  if (!record?.ours) return false
  await databaseIsIdle(host)
  // The iscsiadm that we waited for may have rewritten this very record, which makes it another program's.
  if (!isOurs(record.path)) return false
  removeDurable(record.path)
  try {
    rmdirSync(join(nodeDatabase(host), iqn))
  } catch {
    // The directory contains records of other portals.
  }
  return true
}

/** iscsiadm writes a record within milliseconds; a lock that is held longer was left by a process that died. */
const LOCK_DEADLINE_MS = 500
const LOCK_POLL_MS = 10

// iscsiadm holds lock.write while it creates a directory and the file in it; removing the directory at that moment
// would fail its command. We never take that lock ourselves: a process that dies with it blocks all others.
async function databaseIsIdle(host: Host): Promise<void> {
  const lock = join(host.paths.root, 'run/lock/iscsi/lock.write')
  for (let waited = 0; existsSync(lock) && waited < LOCK_DEADLINE_MS; waited += LOCK_POLL_MS)
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
}

/** The text of iscsid.conf; empty if there is none. */
function siteText(host: Host): string {
  try {
    return readFileSync(join(host.paths.root, 'etc/iscsi/iscsid.conf'), 'utf8')
  } catch {
    return ''
  }
}

/** A setting for sessions in iscsid.conf; null if it is not set. */
export function siteValue(host: Host, key: string): string | null {
  return settingsIn(siteText(host)).find(([name]) => name === key)?.[1] ?? null
}

/** The record's setting for scanning at login: `auto`, `manual`; null if there is no record. */
export function nodeScan(host: Host, iqn: Iqn, portal: Portal): string | null {
  const record = findNodeRecord(host, iqn, portal)
  if (!record) return null
  try {
    return scanIn(readFileSync(record.path, 'utf8'))
  } catch {
    return null
  }
}
