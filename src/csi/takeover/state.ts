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

/** The driver whose volumes may be found published, where we answer under its name. */
export const OLD_DRIVER = 'iscsi.csi.k8s.io'

/**
 * What csi-driver-iscsi (v0.1.0, 2022-01, to v0.2.0, 2026-08) writes before it mounts a volume, and removes after
 * the last unmount: `/var/run/iscsi.csi.k8s.io/iscsi-VOLUME.json`. Its CHAP secrets stand in it as well, readable
 * for all, and are never taken out of it here.
 */
export interface OldState {
  readonly iqn: Iqn
  readonly lun: Lun
  readonly portals: readonly Portal[]
  /** What it mounted: a disk, or multipathd's map by its name under /dev/mapper. */
  readonly device: { readonly kind: 'disk' | 'map'; readonly name: string }
  /** The disks under it, by the kernel's name and SCSI address. */
  readonly disks: readonly { readonly name: string; readonly hctl: string }[]
  /** Whether it made the node records itself; else somebody had made them for it. */
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

/** Larger than any that it writes: it lists the paths of one volume. */
const LARGEST = 1 << 20

/** What the old driver noted of a volume; null where it noted nothing. @throws RECORD_CORRUPT */
export function readOldState(host: Host, volumeId: string): OldState | null {
  const path = pathOf(host, volumeId)
  const stat = path === null ? undefined : lstatSync(path, { throwIfNoEntry: false })
  if (path === null || !stat) return null
  // Anything but a file could block whoever reads it.
  if (!stat.isFile() || stat.size > LARGEST) throw corrupt(path, 'it is no file of its size')
  return parseOldState(path, readFileSync(path, 'utf8'), volumeId)
}

/** @throws RECORD_CORRUPT never with what stands in the file: that may be a secret */
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
    // JSON's own message would quote what stands there.
    throw corrupt(path, 'it is no JSON')
  }
  try {
    return schema.parse(json)
  } catch (error) {
    if (error instanceof LunkeeperError) throw corrupt(path, error.message)
    if (!(error instanceof $ZodError)) throw error
    throw corrupt(path, `${error.issues[0]?.path.join('.') || 'it'} is not as it should be`)
  }
}

export function forgetOldState(host: Host, volumeId: string): void {
  const path = pathOf(host, volumeId)
  if (path !== null) removeDurable(path)
}

/** Null for an id of which the old driver could have made no file. */
function pathOf({ paths }: Host, volumeId: string): string | null {
  if (/[/\0]/.test(volumeId)) return null
  // Not by /var/run: as a link it leads to our own /run, seen from a container.
  return join(paths.root, 'run', OLD_DRIVER, `iscsi-${volumeId}.json`)
}

function corrupt(path: string, reason: string): LunkeeperError {
  return new LunkeeperError(
    'RECORD_CORRUPT',
    `${path}, which the driver before wrote, is not understood: ${reason}`,
    {
      hint: 'Unmount the volume by hand, then remove that file.',
      details: { path },
    },
  )
}
