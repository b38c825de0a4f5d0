import { realpathSync } from 'node:fs'
import { basename } from 'node:path'

import type { Host } from '../../host/host.ts'
import { listNames } from '../../host/read/attribute.ts'
import { readDiskByName } from '../../host/read/disks.ts'
import { mountAt } from '../../host/read/mounts.ts'
import { readSessions } from '../../host/read/sessions.ts'
import type { Attachment } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import { isName } from '../../model/name.ts'
import { cleanPath } from '../../model/request.ts'
import { readRecord, readRecords } from '../../state/records/volumes.ts'

/** The volume to detach: by target and LUN, its record if it has one, and how the user named it. */
export interface Found {
  readonly iqn: Iqn
  readonly lun: Lun
  readonly record: Attachment | null
  /** For messages and the report. */
  readonly name: string
  /** The mount point that the user named, if no record shows which mount is ours. */
  readonly point: string | null
}

/**
 * Finds a volume by its name, mount point or device; without a record, from the kernel's state.
 * @throws NOT_FOUND RECORD_CORRUPT
 */
export function findVolume(host: Host, handle: string): Found {
  const named = isName(handle) && readRecord(host, handle)
  if (named) return fromRecord(named)
  if (handle.startsWith('/')) {
    const { attachments } = readRecords(host)
    const point = cleanPath(handle)
    const pointed = attachments.find(({ request }) => request.use.mount === point)
    if (pointed) return fromRecord(pointed)
    const mounted = mountAt(host.paths, point)
    const device = mounted ? nameOfDevno(host, mounted.devno) : nameOfNode(handle)
    const volume = device && volumeOfDevice(host, device)
    if (volume) {
      const record = attachments.find(
        ({ request }) => request.iqn === volume.iqn && request.lun === volume.lun,
      )
      return record
        ? fromRecord(record)
        : { ...volume, record: null, name: handle, point: mounted ? point : null }
    }
  }
  throw new LunkeeperError('NOT_FOUND', `"${handle}" does not match any attached volume`)
}

function fromRecord(record: Attachment): Found {
  return { iqn: record.request.iqn, lun: record.request.lun, record, name: record.name, point: null }
}

/** sdb or dm-0 for 8:16 or 254:0. */
function nameOfDevno(host: Host, devno: string): string | null {
  try {
    return basename(realpathSync(`${host.paths.sys}/dev/block/${devno}`))
  } catch {
    return null
  }
}

/** The kernel's name for a node or link under /dev. Nothing is opened, and only /dev is read. */
function nameOfNode(path: string): string | null {
  if (!path.startsWith('/dev/')) return null
  try {
    return basename(realpathSync(path))
  } catch {
    return null
  }
}

function volumeOfDevice(host: Host, name: string): { iqn: Iqn; lun: Lun } | null {
  const slaves = listNames(`${host.paths.sys}/block/${name}/slaves`)
  for (const candidate of [name, ...slaves]) {
    const disk = readDiskByName(host.paths, candidate)
    const session = disk && readSessions(host.paths).find(({ sid }) => sid === disk.sid)
    if (session) return { iqn: session.iqn, lun: disk.hctl.lun }
  }
  return null
}
