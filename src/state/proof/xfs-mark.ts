import { join } from 'node:path'

import { readHead, readVolume } from '../../host/disk/read-volume.ts'
import type { Lsn } from '../../host/fs/xfs-log.ts'
import { hasForeignRecord, parseLsn, partsAround, recordsIn, xfsLog } from '../../host/fs/xfs-log.ts'
import type { Host } from '../../host/host.ts'
import { linkName, readText } from '../../host/read/attribute.ts'
import type { Witnesses } from '../../model/plan/owner.ts'
import type { Mount, ScsiDisk } from '../../model/snapshot.ts'

/** For a mount without these options (xfs(5)): logbufs, and logbsize in KiB. */
const DEFAULT_BUFFERS = 8
const DEFAULT_BUFFER_KIB = 32

/**
 * Whether the log of an xfs that this node has mounted has records of another node. xfs has no count of mounts: a node that
 * has mounted it and written nothing yet leaves no mark, so the log can tell that the volume was lost, and never that it was
 * not.
 */
export async function readXfsMark(host: Host, mount: Mount, disk: ScsiDisk): Promise<Witnesses['mark']> {
  const before = readOwnLog(host, mount)
  // A kernel without sysfs, or a mount that is gone.
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
  // Read after the disk: what this node has written meanwhile is before its end now.
  const own = readOwnLog(host, mount)
  if (own === null) return 'none'
  return hasForeignRecord(recordsIn(bytes, log.uuid), own) ? 'changed' : 'none'
}

/** End and tail of the log as this node's kernel has them; the kernel answers without I/O. */
function readOwnLog({ paths }: Host, { devno }: Mount): { readonly head: Lsn; readonly tail: Lsn } | null {
  const device = linkName(join(paths.sys, 'dev/block', devno))
  if (device === null) return null
  const position = (which: 'head' | 'tail') =>
    parseLsn(readText(`${paths.sys}/fs/xfs/${device}/log/log_${which}_lsn`))
  // The tail first: it never passes the end.
  const [tail, head] = [position('tail'), position('head')]
  return head && tail ? { head, tail } : null
}

const isExternal = ({ superOptions }: Mount) => superOptions.some((option) => option.startsWith('logdev='))

/** Bytes of the log that this node can have written without a confirmation. */
function buffersOf({ superOptions }: Mount): number {
  const number = (name: string, fallback: number): number => {
    const text = superOptions.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
    const [, count, isKib] = /^(\d+)(k?)$/.exec(text ?? '') ?? []
    if (count === undefined) return fallback
    return name === 'logbsize' && isKib === '' ? Math.ceil(Number(count) / 1024) : Number(count)
  }
  return number('logbufs', DEFAULT_BUFFERS) * number('logbsize', DEFAULT_BUFFER_KIB) * 1024
}
