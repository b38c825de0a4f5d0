import { join } from 'node:path'

import type { Iqn } from '../../model/iqn.ts'
import { parseIqn } from '../../model/iqn.ts'
import type { Portal } from '../../model/portal.ts'
import { parsePortal } from '../../model/portal.ts'
import type { Host } from '../host.ts'
import { entries, nodeDatabase } from './database.ts'
import { findNodeRecord } from './node-record.ts'

/** The node records of open-iscsi that we created and that no other program has changed. */
export function ownNodeRecords(
  host: Host,
): { readonly iqn: Iqn; readonly portal: Portal; readonly path: string }[] {
  const database = nodeDatabase(host)
  return entries(database).flatMap((target) => {
    const iqn = orNull(() => parseIqn(target))
    if (iqn === null) return []
    return entries(join(database, target)).flatMap((name) => {
      const portal = orNull(() => portalOf(name))
      const record = portal && findNodeRecord(host, iqn, portal)
      return portal && record?.ours ? [{ iqn, portal, path: record.path }] : []
    })
  })
}

/** The portal of a record's name: ADDRESS,PORT or ADDRESS,PORT,GROUP. @throws BAD_PORTAL */
function portalOf(name: string): Portal {
  const [address = '', port = ''] = name.split(',')
  return parsePortal(address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)
}

/** Null for a name that another program chose and that is not a target or portal. */
function orNull<T>(parse: () => T): T | null {
  try {
    return parse()
  } catch {
    return null
  }
}
