import type { Hctl } from '../../model/hctl.ts'
import { formatHctl, readHctl } from '../../model/hctl.ts'
import type { Lun } from '../../model/lun.ts'
import type { BlockRef, ScsiDisk, Session } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { listNames, readAttribute, readBytes, readLink, readNumber } from './attribute.ts'
import { hasCache, cached } from './cache.ts'
import { serialOf, wwidOrNull } from './vpd.ts'

export interface DiskOptions {
  /**
   * Whether to read the kernel's cached WWID and serial too: two more files per disk.
   * @default true
   */
  readonly identity?: boolean
}

type SessionRef = Pick<Session, 'sid'>

/** The page has a 4-byte header and at most 65535 bytes; a serial is far shorter (SPC-6 7.7.19). */
export const PAGE_80_MAX = 4 + 252
const NO_PAGE = Buffer.alloc(0)
/** /sys/block counts sectors of 512 bytes, whatever the disk's own sector size (include/linux/blk_types.h). */
const SECTOR = 512

/**
 * The SCSI device of one LUN of a session; null if the kernel has none. The cost does not depend on the number of other
 * LUNs. A device that is not a disk (an enclosure, a LUN 0 without a medium) is returned too, with no `name`: it keeps
 * its session in use like any other.
 */
export function readDisk(
  paths: HostPaths,
  session: SessionRef,
  lun: Lun,
  options?: DiskOptions,
): ScsiDisk | null {
  if (hasCache(paths)) {
    const key = `disks of ${session.sid} by LUN`
    const all = cached(paths, key, () => new Map(readDisks(paths, session).map((one) => [one.hctl.lun, one])))
    return all.get(lun) ?? null
  }
  const base = deviceOf(paths, session)
  for (const target of listNames(base)) {
    const [host, channel, id] = targetNumbers(target) ?? []
    if (host === undefined || channel === undefined || id === undefined) continue
    const hctl = { host, channel, target: id, lun }
    const disk = readDevice(`${base}/${target}/${formatHctl(hctl)}`, hctl, session.sid, options)
    if (disk) return disk
  }
  return null
}

/** All SCSI devices of a session, by ascending LUN. */
export function readDisks(paths: HostPaths, session: SessionRef, options?: DiskOptions): ScsiDisk[] {
  if (!hasCache(paths)) return readAllDisks(paths, session, options)
  // Read with the identity, because other callers need it.
  return cached(paths, `disks of ${session.sid}`, () => readAllDisks(paths, session))
}

function readAllDisks(paths: HostPaths, session: SessionRef, options?: DiskOptions): ScsiDisk[] {
  return addressesOf(paths, session)
    .map(({ directory, hctl }) => readDevice(directory, hctl, session.sid, options))
    .filter((disk) => disk !== null)
    .toSorted((a, b) => a.hctl.lun - b.hctl.lun)
}

/** The number of SCSI devices of a session: reads names only, so hundreds cost a directory or two. */
export function countDisks(paths: HostPaths, session: SessionRef): number {
  return addressesOf(paths, session).length
}

function addressesOf(paths: HostPaths, session: SessionRef): { directory: string; hctl: Hctl }[] {
  const base = deviceOf(paths, session)
  return listNames(base)
    .filter((target) => targetNumbers(target))
    .flatMap((target) =>
      listNames(`${base}/${target}`).flatMap((name) => {
        const hctl = readHctl(name)
        return hctl ? [{ directory: `${base}/${target}/${name}`, hctl }] : []
      }),
    )
}

/** The iSCSI disk that is currently named sdX; null if there is none, or if it does not belong to an iSCSI session. */
export function readDiskByName(paths: HostPaths, name: string, options?: DiskOptions): ScsiDisk | null {
  const link = readLink(`${paths.sys}/class/block/${name}`)
  const place = link === null ? null : /\/session(\d+)\/(target[\d:]+)\/([\d:]+)\/block\/([^/]+)$/.exec(link)
  if (!place) return null
  const [, sid = '', target = '', address = ''] = place
  const hctl = readHctl(address)
  const session = { sid: Number(sid) }
  const directory = `${deviceOf(paths, session)}/${target}/${address}`
  const disk = hctl && readDevice(directory, hctl, session.sid, options)
  // Between the two reads the name may have been given to another disk.
  return disk?.name === name ? disk : null
}

/** Whether a disk still is what its names refer to: the kernel may have removed it and given the names to another disk. */
export function hasItsNames(paths: HostPaths, { sid, hctl, name, sg }: ScsiDisk): boolean {
  const isAt = (kind: string, called: string | null) => {
    if (called === null) return true
    const link = readLink(`${paths.sys}/class/${kind}/${called}`)
    return link !== null && link.includes(`/session${sid}/`) && link.includes(`/${formatHctl(hctl)}/`)
  }
  return isAt('block', name) && isAt('scsi_generic', sg)
}

/**
 * Type of the device at a LUN: 0 a disk, 0x0d an enclosure, 0x1f none (SPC-6 table 150). For the message that explains
 * why there is no sdX.
 */
export function readDeviceType(paths: HostPaths, hctl: Hctl): number | null {
  return readNumber(`${paths.sys}/bus/scsi/devices/${formatHctl(hctl)}/type`)
}

/** Number of failed commands of a SCSI device, of any kind (drivers/scsi/scsi_lib.c:scsi_complete). */
export function readErrorCount(paths: HostPaths, hctl: Hctl): number | null {
  const text = readAttribute(`${paths.sys}/bus/scsi/devices/${formatHctl(hctl)}/ioerr_cnt`)
  return text === null ? null : Number(text)
}

function deviceOf(paths: HostPaths, { sid }: SessionRef): string {
  return `${paths.sys}/class/iscsi_session/session${sid}/device`
}

function targetNumbers(name: string): number[] | null {
  const parts = /^target(\d+):(\d+):(\d+)$/.exec(name)
  return parts ? parts.slice(1).map(Number) : null
}

function readDevice(directory: string, hctl: Hctl, sid: number, options: DiskOptions = {}): ScsiDisk | null {
  const state = readAttribute(`${directory}/state`)
  if (state === null) return null
  const name = listNames(`${directory}/block`)[0] ?? null
  const block = name === null ? null : readBlock(`${directory}/block/${name}`, name)
  const identity = options.identity ?? true
  return {
    hctl,
    sid,
    name: block && name,
    devno: block?.devno ?? null,
    state,
    bytes: block?.bytes ?? 0,
    cached: {
      wwid: identity ? wwidOrNull(readAttribute(`${directory}/wwid`) ?? '') : null,
      serial: identity ? serialOf(readBytes(`${directory}/vpd_pg80`, PAGE_80_MAX) ?? NO_PAGE) : null,
    },
    holders: block?.holders ?? [],
    partitions: block?.partitions ?? [],
    sg: listNames(`${directory}/scsi_generic`)[0] ?? null,
    readOnly: block?.readOnly ?? false,
  }
}

export interface Block {
  readonly devno: string
  readonly bytes: number
  readonly readOnly: boolean
  readonly holders: readonly string[]
  readonly partitions: readonly BlockRef[]
}

/** The block device of a sysfs directory; null if it is gone. */
export function readBlock(directory: string, name: string): Block | null {
  const devno = readAttribute(`${directory}/dev`)
  if (devno === null) return null
  const partitions: BlockRef[] = []
  const holders = new Set(listNames(`${directory}/holders`))
  for (const entry of listNames(directory)) {
    // Only a partition's directory starts with the disk's own name (block/partitions/core.c).
    if (!entry.startsWith(name)) continue
    const number = readAttribute(`${directory}/${entry}/dev`)
    if (number === null) continue
    partitions.push({ name: entry, devno: number })
    for (const holder of listNames(`${directory}/${entry}/holders`)) holders.add(holder)
  }
  return {
    devno,
    bytes: Math.max(readNumber(`${directory}/size`) ?? 0, 0) * SECTOR,
    readOnly: readAttribute(`${directory}/ro`) === '1',
    holders: [...holders],
    partitions,
  }
}
