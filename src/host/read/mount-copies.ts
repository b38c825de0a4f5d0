import type { Mount } from '../../model/snapshot.ts'
import type { HostPaths } from '../paths.ts'
import type { MountEntry } from './mounts.ts'
import { readHostTable } from './mounts.ts'

/**
 * Mounts, each of them once. A directory that is also visible elsewhere (a kubelet's directory that is bind-mounted from
 * another disk) shows every mount below it in both places; an unmount in one place removes the copy, too.
 * @param at mount points whose mounts are returned, and not their copies elsewhere
 */
export function withoutCopies(
  paths: HostPaths,
  mounts: readonly Mount[],
  at: readonly (string | null)[] = [],
): Mount[] {
  if (mounts.every((mount) => mounts.every((other) => other === mount || !showsSame(mount, other))))
    return [...mounts]
  const table = readHostTable(paths)
  const entries = new Set(table.filter((entry) => mounts.some((mount) => isAt(mount, entry.mount))))
  const isPreferred = ({ mount }: MountEntry) => at.includes(mount.point)
  for (const entry of [...entries].toSorted((a, b) => Number(isPreferred(b)) - Number(isPreferred(a))))
    if (entries.has(entry))
      for (const copy of copiesOf(entry, table))
        if (!isPreferred(copy) || isPreferred(entry)) entries.delete(copy)
  return mounts.filter((mount) => [...entries].some((entry) => isAt(mount, entry.mount)))
}

/** The mounts of the same namespace that go when this one is unmounted. */
function copiesOf(entry: MountEntry, table: readonly MountEntry[]): Set<MountEntry> {
  const same = table.filter(({ mount }) => showsSame(mount, entry.mount))
  const copies = new Set([entry])
  // A copy may have copies of its own, which the loop then also visits.
  for (const copy of copies)
    for (const other of same) if (followsUnmount(other, table, copy, table)) copies.add(other)
  copies.delete(entry)
  return copies
}

/**
 * Whether one mount goes when another is unmounted: it is at the same place of a mount that receives events from the one
 * under the other (fs/pnode.c:propagate_umount). They may be in two mount namespaces.
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
  return (
    at === base.at && typeof under?.shared === 'number' && base.under?.follows.includes(under.shared) === true
  )
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
