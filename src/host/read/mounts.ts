import { existsSync } from 'node:fs'

import type { Mount } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import { hasCache, cached } from './cache.ts'
import { readText } from './attribute.ts'

/** A line of a mount table, with its relations to others. */
export interface MountEntry {
  readonly mount: Mount
  readonly id: number
  /** The parent mount. */
  readonly parent: number
  /** Peer groups from which mounts and unmounts propagate to it (mount_namespaces(7)). */
  readonly follows: readonly number[]
  /** The peer group to which its own events propagate; null if it is private or only a slave. */
  readonly shared: number | null
}

/** The host's mounts, in the order of its table: of two on one mount point the later one is visible. */
export function readMounts(paths: HostPaths): Mount[] {
  return cached(paths, 'mounts', () => readHostTable(paths).map((entry) => entry.mount))
}

/** The host's mounts with their relations, in the order of its table. */
export function readHostTable(paths: HostPaths): MountEntry[] {
  return cached(paths, 'mount table', () => readMountTable(paths.mountinfo))
}

/** The mounts of any of these block devices, in the order of the table. @param devnos major:minor */
export function mountsOfDevices(paths: HostPaths, devnos: ReadonlySet<string>): Mount[] {
  if (!hasCache(paths)) return readMounts(paths).filter(({ devno }) => devnos.has(devno))
  const byDevice = cached(paths, 'mounts by device', () =>
    Map.groupBy(
      readMounts(paths).map((mount, place) => ({ mount, place })),
      ({ mount }) => mount.devno,
    ),
  )
  return [...devnos]
    .flatMap((devno) => byDevice.get(devno) ?? [])
    .toSorted((a, b) => a.place - b.place)
    .map(({ mount }) => mount)
}

/** Whether the block device of a mount no longer exists. */
export function isOfMissingDevice({ sys }: HostPaths, { source, devno }: Mount): boolean {
  return source.startsWith('/dev/') && !existsSync(`${sys}/dev/block/${devno}`)
}

/**
 * The visible mount at a mount point; null if there is none. Usually that is the last one there. A mount that was made elsewhere and
 * propagates to a place that has one already is put below it, although it is later in the table (fs/namespace.c:attach_recursive_mnt).
 */
export function mountAt(paths: HostPaths, point: string): Mount | null {
  if (!hasCache(paths)) return visible(readHostTable(paths).filter(({ mount }) => mount.point === point))
  const byPoint = cached(paths, 'mounts by point', () =>
    Map.groupBy(readHostTable(paths), ({ mount }) => mount.point),
  )
  return visible(byPoint.get(point) ?? [])
}

function visible(here: readonly MountEntry[]): Mount | null {
  return here.findLast(({ id }) => !here.some(({ parent }) => parent === id))?.mount ?? null
}

/** Whether the path is the mount point of a mount that no later mount on a directory above it hides. */
export function isMountPoint(paths: HostPaths, path: string): boolean {
  const mounts = readMounts(paths)
  const at = mounts.findLastIndex(({ point }) => point === path)
  return (
    at >= 0 && !mounts.slice(at + 1).some(({ point }) => path.startsWith(point === '/' ? '/' : `${point}/`))
  )
}

/** The mounts of one namespace, from the `mountinfo` of any process in it. */
export function readMountTable(mountinfo: string): MountEntry[] {
  return parseMountTable(readText(mountinfo) ?? '')
}

/**
 * Malformed lines are skipped. Format: proc_pid_mountinfo(5), fs/proc_namespace.c:show_mountinfo.
 *
 * 36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext3 /dev/source rw,errors=continue
 */
export function parseMountTable(table: string): MountEntry[] {
  return table.split('\n').flatMap((line) => parseLine(line) ?? [])
}

//   36 35 98:0 /root /point rw,noatime shared:1 master:2 - ext3 /dev/source rw,errors=continue
function parseLine(line: string): MountEntry | null {
  // Split at each blank, not at runs of them: an empty source is between two blanks.
  const fields = line.split(' ')
  const separator = fields.indexOf('-', 6)
  if (separator < 0) return null
  const [id = '', parent = '', devno = '', root = '', point = '', options = ''] = fields
  const [fs = '', source, superOptions = ''] = fields.slice(separator + 1)
  if (!/^\d+$/.test(id) || !/^\d+$/.test(parent) || !/^\d+:\d+$/.test(devno)) return null
  if (!point.startsWith('/') || fs === '' || source === undefined) return null
  const tags = fields.slice(6, separator)
  const groups = (...names: string[]) =>
    names.flatMap((name) =>
      tags.filter((tag) => tag.startsWith(`${name}:`)).map((tag) => Number(tag.slice(name.length + 1))),
    )
  return {
    mount: {
      devno,
      point: unescape(point),
      root: unescape(root),
      fs: unescape(fs),
      source: unescape(source),
      options: options.split(','),
      superOptions: superOptions === '' ? [] : superOptions.split(','),
    },
    id: Number(id),
    parent: Number(parent),
    follows: groups('shared', 'master', 'propagate_from'),
    shared: groups('shared')[0] ?? null,
  }
}

// Blank, tab, newline, backslash and # are written in octal (fs/proc_namespace.c:mangle).
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
