import type { Mount } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import type { MountEntry } from './mounts.ts'
import { mountsOfDevices, readHostTable } from './mounts.ts'

/**
 * Mounts, each of them once. A directory that is also visible elsewhere (a kubelet's directory that is bind-mounted from
 * another disk) shows every mount below it in both places, and an unmount of the one removes the other.
 * @param at mount points whose mounts are always returned, also if they are copies
 */
export function withoutCopies(
  paths: HostPaths,
  mounts: readonly Mount[],
  at: readonly (string | null)[] = [],
): Mount[] {
  if (mounts.every((mount) => mounts.every((other) => other === mount || !showsSame(mount, other))))
    return [...mounts]
  const table = readHostTable(paths)
  const entries = table.filter((entry) => mounts.some((mount) => isAt(mount, entry.mount)))
  const [named, others] = [true, false].map((isNamed) =>
    entries.filter(({ mount }) => at.includes(mount.point) === isNamed),
  ) as [MountEntry[], MountEntry[]]
  const copies = new Set<MountEntry>()
  for (const entry of [...named, ...others])
    if (!copies.has(entry))
      for (const other of others)
        if (other !== entry && followsUnmount(other, table, entry, table)) copies.add(other)
  const left = entries.filter((entry) => !copies.has(entry))
  return mounts.filter((mount) => left.some((entry) => isAt(mount, entry.mount)))
}

/** The mounts of a mount's device, itself included, without copies. */
export function mountsOfSameDevice(paths: HostPaths, { devno, point }: Mount): Mount[] {
  return withoutCopies(paths, mountsOfDevices(paths, new Set([devno])), [point])
}

/**
 * Whether one mount goes when another is unmounted: it is at the same place of a mount that receives events from the one
 * under the other, and nothing is mounted below it (fs/pnode.c:propagate_umount). They may be in two mount namespaces.
 */
export function followsUnmount(
  their: MountEntry,
  theirs: readonly MountEntry[],
  our: MountEntry,
  ours: readonly MountEntry[],
): boolean {
  if (!showsSame(our.mount, their.mount)) return false
  const base = baseOf(their, theirs)
  const { at, under } = baseOf(our, ours)
  if (at !== base.at || !base.under || typeof under?.shared !== 'number') return false
  if (theirs.some(({ parent, mount }) => parent === their.id && mount.point !== their.mount.point))
    return false
  const groups = groupsAfter(under.shared, theirs)
  return base.under.follows.some((group) => groups.has(group))
}

/** The peer groups that an event of this group reaches, also over others that receive and pass it on. */
function groupsAfter(first: number, table: readonly MountEntry[]): ReadonlySet<number> {
  const groups = new Set([first])
  // The loop also visits what is added meanwhile.
  for (const group of groups)
    for (const { follows, shared } of table)
      if (shared !== null && follows.includes(group)) groups.add(shared)
  return groups
}

const bare = (path = '') => (path === '/' ? '' : path)

/** The mount under a mount, and the place of the latter within that file system. */
function baseOf({ mount, parent }: MountEntry, table: readonly MountEntry[]) {
  const under = table.find(({ id }) => id === parent)
  return { under, at: bare(under?.mount.root) + mount.point.slice(bare(under?.mount.point).length) }
}

/** Whether two mounts show the same part of the same file system. */
function showsSame(a: Mount, b: Mount): boolean {
  return a.devno === b.devno && a.root === b.root
}

function isAt(a: Mount, b: Mount): boolean {
  return a.point === b.point && showsSame(a, b)
}
