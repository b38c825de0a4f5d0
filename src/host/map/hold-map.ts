import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { VolumeName } from '../../model/name.ts'
import type { HoldMapState, TablePath } from '../../model/plan/table.ts'
import { holdTable, parsePaths } from '../../model/plan/table.ts'
import type { DmMap } from '../../model/snapshot.ts'
import { whenAppears } from '../disk/appear.ts'
import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import { isProtected } from '../fs/protect.ts'
import { limitDirtyPages } from '../memory/volume-dirty-limit.ts'
import type { WriteProof } from '../proof/proof.ts'
import { linkName, listNames, readAttribute } from '../read/attribute.ts'
import { HOLD_PREFIX, mapOfUuid, readMap, readMaps } from '../read/maps.ts'
import { hasCache } from '../read/cache.ts'
import { isBeingClosed, untilClosed } from './last-close.ts'
import { sendMessage } from './messages.ts'
import { sharedBriefly } from './shared-briefly.ts'
import { isQueueingTable, multipathTables } from './tables.ts'
import { keepUdevOff } from './udev-rule.ts'

/** Device-mapper takes milliseconds, but loading a table may wait for a disk that is being removed. */
const DEADLINE_MS = 20_000
/** After that, the node that the kernel has created is used instead of udev's link. */
const APPEAR_DEADLINE_MS = 10_000

/** The longest name of a map: DM_NAME_LEN is 128 including the terminating zero (uapi/linux/dm-ioctl.h). */
const MAX_NAME_BYTES = 127
/** 128 bits, so that two volumes of a node never get the same name. */
const HASH_DIGITS = 32
/**
 * A character that the name of a volume cannot contain, so that a shortened name never equals another volume's name. libdm
 * and udev do not escape it (libdm-common.c: mangling).
 */
const SHORTENED = '+'

/**
 * The name and UUID of a volume's hold map: a prefix, by which multipathd and udev ignore the map, and the volume's name, or
 * the beginning of that name and a hash of it if it is too long.
 */
export function holdMapName(name: VolumeName): string {
  const full = `${HOLD_PREFIX}${name}`
  if (full.length <= MAX_NAME_BYTES) return full
  const hash = createHash('sha256').update(name).digest('hex').slice(0, HASH_DIGITS)
  return `${full.slice(0, MAX_NAME_BYTES - SHORTENED.length - HASH_DIGITS)}${SHORTENED}${hash}`
}

/** The hold map of a volume; null if there is none. */
export function findHoldMap(host: Host, name: VolumeName): DmMap | null {
  const { paths } = host
  const called = holdMapName(name)
  if (hasCache(paths)) return mapOfUuid(paths, called)
  // udev's link leads to the device. Without udev, or before the link exists, all maps are searched.
  const linked = linkName(join(paths.dev, 'mapper', called))
  const devices = linked
    ? [linked]
    : listNames(join(paths.sys, 'block')).filter((block) => block.startsWith('dm-'))
  const device = devices.find((block) => readAttribute(join(paths.sys, 'block', block, 'dm/uuid')) === called)
  return device === undefined ? null : readMap(paths, device)
}

/** Creates the hold map of a volume and waits for its device node. @throws MAP_FAILED PROOF_EXPIRED */
export async function createHoldMap(
  host: Host,
  proof: WriteProof,
  name: VolumeName,
  bytes: number,
  paths: readonly TablePath[],
  readOnly: boolean,
): Promise<DmMap> {
  await keepUdevOff(host)
  const called = holdMapName(name)
  for (const { devno } of paths) proof.require(devno)
  await dmsetup(host, [
    'create',
    called,
    '--uuid',
    called,
    ...(readOnly ? ['--readonly'] : []),
    '--noudevsync',
    '--table',
    holdTable(bytes, paths),
  ])
  const node = join(host.paths.dev, 'mapper', called)
  const named = await whenAppears(
    host,
    () => (existsSync(node) ? findHoldMap(host, name) : null),
    APPEAR_DEADLINE_MS,
  )
  // udev creates the link, but may be busy with other disks for minutes. The kernel's own node is enough.
  const map = named ?? findHoldMap(host, name)
  if (!map || !existsSync(deviceNode(host, map.device)))
    throw new LunkeeperError('MAP_FAILED', `the map ${called} was created, but has no node ${node}`)
  limitDirtyPages(host, map.devno)
  return map
}

/**
 * Loads a table with another set of paths, all of which carry I/O immediately. I/O that the map queues stays queued: nothing
 * is flushed, and no file system is frozen. A read-only map stays read-only: otherwise the kernel would open its disks for
 * writing, which a write-protected LUN rejects (drivers/md/dm.c:dm_get_table_device).
 * @param bytes its new size; by default the map keeps its present size, which may be larger than it was in `map`
 * @throws MAP_FAILED PROOF_EXPIRED
 */
export async function loadHoldMap(
  host: Host,
  proof: WriteProof,
  map: DmMap,
  paths: readonly TablePath[],
  bytes?: number,
): Promise<void> {
  for (const { devno } of paths) proof.require(devno)
  const mode = isProtected(host, map.device) ? ['--readonly'] : []
  const size = bytes ?? readMap(host.paths, map.device)?.bytes ?? map.bytes
  const load = () => dmsetup(host, ['load', map.name, ...mode, '--table', holdTable(size, paths)])
  try {
    await load()
  } catch (error) {
    if (!isLunkeeperError(error, 'TIMEOUT') || !(await isBeingClosed(host, map))) throw error
    // Only what the dead program was reading fails. The table that is loaded next queues again.
    await setQueueing(host, map, false)
    if (!(await untilClosed(host, map))) {
      await setQueueing(host, map, true)
      throw error
    }
    for (const { devno } of paths) proof.require(devno)
    await load()
  }
  // If a table is loaded, resume suspends the map first, with these flags (drivers/md/dm-ioctl.c:do_resume).
  await dmsetup(host, ['resume', '--noflush', '--nolockfs', '--noudevsync', map.name])
}

/** Fails a path: it carries no I/O until it is reinstated, whatever the state of its disk. @throws MAP_FAILED */
export async function failPath(host: Host, map: DmMap, devno: string): Promise<void> {
  await sendMessage(host, map.name, `fail_path ${devno}`)
}

/** Reinstates a path of the map, which first gets the queued I/O. @throws MAP_FAILED PROOF_EXPIRED */
export async function reinstatePath(host: Host, proof: WriteProof, map: DmMap, devno: string): Promise<void> {
  proof.require(devno)
  await sendMessage(host, map.name, `reinstate_path ${devno}`)
}

/**
 * Sets whether I/O is queued (on) or fails while no path is usable. A map that was removed meanwhile queues nothing.
 * @throws MAP_FAILED
 */
export async function setQueueing(host: Host, map: Pick<DmMap, 'name'>, on: boolean): Promise<void> {
  try {
    await sendMessage(host, map.name, on ? 'queue_if_no_path' : 'fail_if_no_path')
  } catch (error) {
    if (on || readMaps(host.paths).some(({ name }) => name === map.name)) throw error
  }
}

/** Removes a hold map that is not in use. @throws BUSY it is open · MAP_FAILED */
export async function removeHoldMap(host: Host, map: DmMap): Promise<void> {
  // Does not wait for udev, whose worker may be blocked by a map that queues.
  const ran = await host.run('dmsetup', ['remove', '--noudevsync', '--retry', map.name], {
    deadline: DEADLINE_MS,
  })
  if (ran.code === 0 || !readMaps(host.paths).some(({ uuid }) => uuid === map.uuid)) return
  throw notRemoved(map, failureReason(ran))
}

/** Why a map could not be removed. Its name is not searched, because a volume may be called `busybox`. */
export function notRemoved({ name }: DmMap, reason: string): LunkeeperError {
  const isBusy = /in use|busy/i.test(reason.replaceAll(name, ''))
  return new LunkeeperError(isBusy ? 'BUSY' : 'MAP_FAILED', `the map ${name} was not removed: ${reason}`)
}

/**
 * The kernel's current state of each hold map, by the map's name: two programs, however many maps there are.
 * @throws MAP_FAILED TIMEOUT
 */
export async function readHoldMaps(host: Host): Promise<ReadonlyMap<string, HoldMapState>> {
  const [tables, paths] = await Promise.all([multipathTables(host, 'table'), readPaths(host)])
  return new Map(
    [...tables]
      .filter(([name]) => isHoldMapName(name))
      .map(([name, table]) => [name, { queueing: isQueueingTable(table), paths: paths.get(name) ?? [] }]),
  )
}

/** The paths of each hold map, by the map's name. @throws MAP_FAILED TIMEOUT */
export async function readPaths(host: Host): Promise<ReadonlyMap<string, HoldMapState['paths']>> {
  const statuses = await multipathTables(host, 'status')
  return new Map(
    [...statuses].filter(([name]) => isHoldMapName(name)).map(([name, status]) => [name, parsePaths(status)]),
  )
}

/** Like {@link readPaths}: callers that ask within half a second share one answer. */
export const recentPaths = sharedBriefly(readPaths)

/** Whether device-mapper uses any of these disks as a path of a hold map. False if it cannot be read. @param devnos 8:16 */
export async function hasActivePath(
  host: Host,
  { name }: Pick<DmMap, 'name'>,
  devnos: readonly string[],
): Promise<boolean> {
  const paths = (await recentPaths(host).catch(() => null))?.get(name) ?? []
  return paths.some(({ active, devno }) => active && devnos.includes(devno))
}

/** Whether a hold map has paths, but device-mapper sends I/O through none of them. False if this cannot be read. */
export async function hasOnlyFailedPaths(host: Host, { name }: Pick<DmMap, 'name'>): Promise<boolean> {
  const paths = (await recentPaths(host).catch(() => null))?.get(name) ?? []
  return paths.length > 0 && paths.every(({ active }) => !active)
}

function isHoldMapName(name: string): boolean {
  return name.startsWith(HOLD_PREFIX)
}

async function dmsetup(host: Host, args: readonly string[]): Promise<void> {
  const ran = await host.run('dmsetup', args, { deadline: DEADLINE_MS, urgent: true })
  if (ran.code !== 0)
    throw new LunkeeperError('MAP_FAILED', `dmsetup ${args.slice(0, 2).join(' ')}: ${failureReason(ran)}`)
}
