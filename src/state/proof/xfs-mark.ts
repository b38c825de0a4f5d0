import { join } from 'node:path'

import { readHead, readVolume } from '../../host/disk/read-volume.ts'
import type { Lsn } from '../../host/fs/xfs-log.ts'
import { hasForeignRecord, parseLsn, partsAround, recordsIn, xfsLog } from '../../host/fs/xfs-log.ts'
import type { Host } from '../../host/host.ts'
import { linkName, readText } from '../../host/read/attribute.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { Mount, ScsiDisk } from '../../model/snapshot.ts'

/** The values for a mount without these options (xfs(5)): logbufs, and logbsize in KiB. */
const DEFAULT_BUFFERS = 8
const DEFAULT_BUFFER_KIB = 32

/**
 * Whether the log of an xfs that this node has mounted contains records of another node. xfs has no mount counter,
 * and a node that has mounted it without writing yet leaves no mark. The log can therefore show that the volume was
 * lost, but never that it was not.
 */
export async function readXfsMark(host: Host, mount: Mount, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const before = readOwnLog(host, mount)
  // The kernel has no sysfs, or the mount is gone.
  if (before === null) return 'none'
  const head = await readHead(host, disk)
  if (head === null) return 'unreadable'
  const log = xfsLog(head)
  if (log === null) return isExternal(mount) ? 'none' : 'changed'
  const parts = partsAround(before.head, log, buffersOf(mount))
  const bytes = await readVolume(
    host,
    disk,
    parts.map(({ offset, length }) => ({ offset: log.offset + offset, length })),
  )
  if (bytes === null) return 'unreadable'
  // Read this after the disk: anything that this node has written meanwhile is then before this end.
  const own = readOwnLog(host, mount)
  if (own === null) return 'none'
  return hasForeignRecord(recordsIn(bytes, log.uuid), own) ? 'changed' : 'none'
}

/** End and tail of the log in this node's kernel, which answers without I/O. */
function readOwnLog({ paths }: Host, { devno }: Mount): { readonly head: Lsn; readonly tail: Lsn } | null {
  const device = linkName(join(paths.sys, 'dev/block', devno))
  if (device === null) return null
  const position = (which: 'head' | 'tail') =>
    parseLsn(readText(`${paths.sys}/fs/xfs/${device}/log/log_${which}_lsn`))
  // Read the tail first: it never passes the end.
  const [tail, head] = [position('tail'), position('head')]
  return head && tail ? { head, tail } : null
}

const isExternal = ({ superOptions }: Mount) => superOptions.some((option) => option.startsWith('logdev='))

/** How many bytes of the log this node can have written without a confirmation. */
function buffersOf({ superOptions }: Mount): number {
  const number = (name: string, fallback: number): number => {
    const text = superOptions.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
    const [, count, isKib] = /^(\d+)(k?)$/.exec(text ?? '') ?? []
    if (count === undefined) return fallback
    return name === 'logbsize' && isKib === '' ? Math.ceil(Number(count) / 1024) : Number(count)
  }
  return number('logbufs', DEFAULT_BUFFERS) * number('logbsize', DEFAULT_BUFFER_KIB) * 1024
}
