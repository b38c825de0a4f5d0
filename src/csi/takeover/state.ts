import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { $ZodError } from 'zod/v4/core'
import * as z from 'zod/mini'

import type { Host } from '../../host/host.ts'
import { removeDurable } from '../../host/store/durable.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Iqn } from '../../model/iqn.ts'
import { parseIqn } from '../../model/iqn.ts'
import type { Lun } from '../../model/lun.ts'
import { parseLun } from '../../model/lun.ts'
import type { Portal } from '../../model/portal.ts'
import { parsePortal } from '../../model/portal.ts'
import { OLD_DRIVER } from '../old-driver.ts'

/**
 * What csi-driver-iscsi (v0.1.0, 2022-01, to v0.2.0, 2026-08) writes before it mounts a volume, and removes after the
 * last unmount: `/var/run/iscsi.csi.k8s.io/iscsi-VOLUME.json`. The file also contains CHAP secrets, readable by all
 * users; they are never read from it here.
 */
export interface OldState {
  readonly iqn: Iqn
  readonly lun: Lun
  readonly portals: readonly Portal[]
  /** The device that it mounted: a disk, or multipathd's map by its name under /dev/mapper. */
  readonly device: { readonly kind: 'disk' | 'map'; readonly name: string }
  /** The disks under it, by the kernel's name and SCSI address. */
  readonly disks: readonly { readonly name: string; readonly hctl: string }[]
  /** Whether it created the node records itself, or found them. */
  readonly madeRecords: boolean
}

const text = z.string()
/** lsblk's NAME, HCTL and TYPE; a map has no HCTL. */
const device = z.object({ name: text.check(z.minLength(1)), hctl: text, type: text })
const schema = z.object({
  volume_name: text,
  target_iqn: z.pipe(text, z.transform(parseIqn)),
  target_portal: z.array(z.pipe(text, z.transform(parsePortal))).check(z.minLength(1)),
  lun: z.pipe(
    z.number(),
    z.transform((lun: number) => parseLun(lun)),
  ),
  mount_target_device: device,
  devices: z._default(z.nullable(z.array(device)), []),
  do_discovery: z._default(z.boolean(), false),
  do_chap_discovery: z._default(z.boolean(), false),
})

/** Larger than any file that it writes: it lists the paths of one volume. */
const MAX_STATE_BYTES = 1 << 20

/** What the old driver recorded about a volume; null if nothing. @throws RECORD_CORRUPT */
export function readOldState(host: Host, volumeId: string): OldState | null {
  const path = pathOf(host, volumeId)
  const stat = path === null ? undefined : lstatSync(path, { throwIfNoEntry: false })
  if (path === null || !stat) return null
  // Anything but a regular file could block the reader.
  if (!stat.isFile() || stat.size > MAX_STATE_BYTES)
    throw corrupt(path, 'it is not a regular file of the expected size')
  return parseOldState(path, readFileSync(path, 'utf8'), volumeId)
}

/** @throws RECORD_CORRUPT never with the file's contents, which may be a secret */
export function parseOldState(path: string, content: string, volumeId: string): OldState {
  const data = understood(path, content)
  if (data.volume_name !== volumeId) throw corrupt(path, 'it is of another volume')
  const { name, type } = data.mount_target_device
  return {
    iqn: data.target_iqn,
    lun: data.lun,
    portals: data.target_portal,
    device: { kind: type === 'mpath' ? 'map' : 'disk', name },
    disks: [data.mount_target_device, data.devices ?? []].flat().filter(({ hctl }) => hctl !== ''),
    madeRecords: data.do_discovery || data.do_chap_discovery,
  }
}

function understood(path: string, content: string): z.output<typeof schema> {
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch {
    // JSON's own message would quote the contents.
    throw corrupt(path, 'it is not JSON')
  }
  try {
    return schema.parse(json)
  } catch (error) {
    if (error instanceof LunkeeperError) throw corrupt(path, error.message)
    if (!(error instanceof $ZodError)) throw error
    throw corrupt(path, `${error.issues[0]?.path.join('.') || 'the file'} is not valid`)
  }
}

export function forgetOldState(host: Host, volumeId: string): void {
  const path = pathOf(host, volumeId)
  if (path !== null) removeDurable(path)
}

/** Null for an ID for which the old driver could not have written a file. */
function pathOf({ paths }: Host, volumeId: string): string | null {
  if (/[/\0]/.test(volumeId)) return null
  // Not by /var/run: in a container that link leads to our own /run.
  return join(paths.root, 'run', OLD_DRIVER, `iscsi-${volumeId}.json`)
}

function corrupt(path: string, reason: string): LunkeeperError {
  return new LunkeeperError(
    'RECORD_CORRUPT',
    `${path}, written by the previous driver, is not valid: ${reason}`,
    {
      hint: 'Unmount the volume by hand, then remove that file.',
      details: { path },
    },
  )
}
