import type { Openable } from '../../host/disk/openers.ts'
import { findOpeners } from '../../host/disk/openers.ts'
import type { Host } from '../../host/host.ts'
import { withoutCopies } from '../../host/read/mount-copies.ts'
import { mountsOfDevices } from '../../host/read/mounts.ts'
import type { UserProcess, Users } from '../../host/read/users.ts'
import { findUsers } from '../../host/read/users.ts'
import { holdersOn } from '../../host/read/holders.ts'
import { readMap } from '../../host/read/maps.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { describeHolder, mountsOfBlock } from './holders.ts'
import type { BlockRef, DmMap, Mount, ScsiDisk } from '../../model/snapshot.ts'

/** A device with everything on it that can be mounted or held: itself and its partitions. */
export interface Device {
  readonly name: string
  readonly devno: string
  readonly holders: readonly string[]
  readonly partitions: readonly BlockRef[]
}

export function deviceOf(disk: ScsiDisk): Device | null {
  if (disk.name === null || disk.devno === null) return null
  return { name: disk.name, devno: disk.devno, holders: disk.holders, partitions: disk.partitions }
}

export function deviceOfMap(map: DmMap): Device {
  return { name: map.device, devno: map.devno, holders: map.holders, partitions: [] }
}

/** The mounts of a device and its partitions, oldest first. */
export function mountsOf(host: Host, device: Device): Mount[] {
  const numbers = new Set([device.devno, ...device.partitions.map((part) => part.devno)])
  return mountsOfDevices(host.paths, numbers)
}

/** The mounts of these devices at other points than this one; copies of the mount there do not count. */
export function mountsElsewhere(host: Host, devices: readonly Device[], point: string | null): Mount[] {
  const mounts = devices.flatMap((device) => mountsOf(host, device))
  return withoutCopies(host.paths, mounts, [point]).filter((mount) => mount.point !== point)
}

/**
 * Every process and mount namespace that uses these devices or anything below `points`. If it cannot be determined
 * who has a device open, processes with a descriptor of the device's own name count.
 */
export async function usersOf(
  host: Host,
  devices: readonly Device[],
  points: readonly string[] = [],
  holders: readonly { readonly device: string }[] = [],
): Promise<Users> {
  const blocks = devices.flatMap((device) => [device, ...device.partitions])
  const above = holders.flatMap(({ device }) => readMap(host.paths, device) ?? []).map(deviceOfMap)
  const openers = await openersOrNull(host, [...devices, ...above])
  const { processes, namespaces } = findUsers(host.paths, {
    points,
    devnos: blocks.map((block) => block.devno),
    deviceNames: openers ? [] : [...blocks.map(({ name }) => name), ...holders.map(({ device }) => device)],
  })
  return { processes: [...processes, ...(openers ?? [])], namespaces }
}

async function openersOrNull(host: Host, devices: readonly Openable[]): Promise<UserProcess[] | null> {
  try {
    return (await findOpeners(host, devices)).map((opener) => ({ ...opener, what: 'device' }))
  } catch (error) {
    if (!isLunkeeperError(error, 'STUCK')) throw error
    return null
  }
}

/** Maximum number of users that a message names: more would make it longer, not clearer. */
const MAX_NAMED = 5

/** The users of these devices, for a message: mounts, maps, processes, other mount namespaces. */
export async function describeUsers(
  host: Host,
  disks: readonly (ScsiDisk | Device)[],
  points: readonly string[] = [],
): Promise<string> {
  const devices = disks
    .map((disk) => ('hctl' in disk ? deviceOf(disk) : disk))
    .filter((device) => device !== null)
  const mounted = devices.flatMap((device) => mountsOf(host, device))
  const mounts = withoutCopies(host.paths, mounted, points).map((mount) => mount.point)
  // A program with an open file on a logical volume keeps the disk below in use.
  const holders = holdersOn(
    host.paths,
    devices.map(({ name }) => name),
  )
  const above = holders.flatMap(({ device }) => mountsOfBlock(host, device))
  const users = await usersOf(host, devices, [...mounts, ...above, ...points], holders)
  const all = [
    ...mounts.map((point) => `mounted at ${point}`),
    ...holders.map((holder) => `held by ${describeHolder(host, holder)}`),
    ...[...new Map(users.processes.map((user) => [user.pid, user])).values()].map(
      ({ pid, command, what, path }) => `process ${pid} (${command}) has ${what} ${path}`,
    ),
    ...users.namespaces.map(
      ({ pid, command, point }) => `mounted at ${point} in the namespace of process ${pid} (${command})`,
    ),
  ]
  if (all.length === 0)
    return 'no visible user (possibly the kernel: swap, a loop device, an unmount in progress)'
  return [
    ...all.slice(0, MAX_NAMED),
    ...(all.length > MAX_NAMED ? [`and ${all.length - MAX_NAMED} more`] : []),
  ].join('; ')
}

/**
 * udev briefly opens every device to read its contents, and closes one that is removed: it writes nothing and does
 * not count as a user. Neither does a program that it starts for a rule, which inherits udev's open files for a
 * moment (spawn) (systemd, src/udev/udev-event.c).
 */
export function isUdev({ command }: { readonly command: string }): boolean {
  return /^\(?(?:systemd-)?udev(?:d|-worker)|^\(spawn\)$/.test(command)
}
