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

/** A node record of open-iscsi: how to log in to one portal of one target. */
export interface NodeRecord {
  readonly path: string
  /** Created by us and unchanged since: iscsiadm drops the mark whenever it writes the file. */
  readonly ours: boolean
  /** Interface record that it is bound to; null for the single file of a record without a portal group. */
  readonly iface: string | null
}

const MARK = '# Made by Lunkeeper; it goes with the last volume of this target.'

/**
 * The record for this portal, whichever program created it. Layout: nodes/IQN/ADDRESS,PORT (a file: portal group
 * unknown) or nodes/IQN/ADDRESS,PORT,TPGT/IFACE.
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
 * Creates a record like `iscsiadm -o new` (the site's iscsid.conf), with our settings on top; atomically, mode 0600,
 * with nothing on a command line. Never overwrites an existing record: one that was created at the same moment is
 * returned instead.
 * @throws NO_SPACE NO_PERMISSION DATABASE_FAILED
 */
export function makeNodeRecord(host: Host, iqn: Iqn, portal: Portal, settings: LoginSettings): NodeRecord {
  const database = nodeDatabase(host)
  const path = join(database, iqn, `${portal.host},${portal.port}`)
  const lines = newRecordText(iqn, portal, siteText(host), settings)
  try {
    // The temporary file is outside nodes/, because every name in there is taken for a target or portal.
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

/** The text of the record in `path` with our settings on top, for a login that does not change the file. */
export function overlayNodeRecord(path: string, settings: LoginSettings): string {
  return overlayText(readFileSync(path, 'utf8'), settings)
}

/** Removes the record if it is ours, and the target's directory once it is empty. False if there was none of ours. */
export async function removeNodeRecord(host: Host, iqn: Iqn, portal: Portal): Promise<boolean> {
  const record = findNodeRecord(host, iqn, portal)
  if (!record?.ours) return false
  await databaseIsIdle(host)
  removeDurable(record.path)
  try {
    rmdirSync(join(nodeDatabase(host), iqn))
  } catch {
    // It contains records of other portals.
  }
  return true
}

// iscsiadm holds lock.write while it creates a directory and the file in it; removing the directory at that moment
// would fail its command. We never take that lock ourselves: a process that dies with it blocks all others.
async function databaseIsIdle(host: Host): Promise<void> {
  const lock = join(host.paths.root, 'run/lock/iscsi/lock.write')
  for (let waited = 0; existsSync(lock) && waited < 500; waited += 10)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

/** The site's defaults for sessions: what `iscsiadm -o new` would copy from iscsid.conf. */
function siteText(host: Host): string {
  try {
    return readFileSync(join(host.paths.root, 'etc/iscsi/iscsid.conf'), 'utf8')
  } catch {
    return ''
  }
}

/** The site's iscsid.conf settings for sessions; null for those that it does not set. */
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
