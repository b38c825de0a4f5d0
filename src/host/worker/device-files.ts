import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

import type { DeviceFile } from './protocol.ts'

/**
 * File systems that can contain device nodes and answer stat(2) from memory. A network file system or FUSE may not answer
 * at all, so a file that is open there is not examined, and a device node there is recognized by its name only.
 */
const ANSWERS_FROM_MEMORY: ReadonlySet<string> = new Set(
  'devtmpfs tmpfs ramfs rootfs hostfs overlay ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs squashfs erofs'.split(
    ' ',
  ),
)

/** A descriptor that refers to a path without opening it (asm-generic/fcntl.h). Alpha, sparc and parisc differ. */
const O_PATH = 0o10_000_000

/**
 * The processes that have one of these devices open, found by the device number behind each of their file descriptors: the
 * name of the device's node and its mount namespace do not matter. The caller and its children do not count.
 * @param proc where procfs is mounted
 * @param devices device numbers, `b8:16` or `c21:3`
 * @param nodes paths of the devices, by which descriptors are recognized that cannot be examined
 */
export function deviceFiles(
  proc: string,
  devices: readonly string[],
  nodes: readonly string[],
): DeviceFile[] {
  const wanted = new Set(devices)
  const named = new Set(nodes)
  const pids = namesIn(proc).filter((name) => /^\d+$/.test(name))
  const types = mountTypes(proc, pids)
  // This procfs may have been mounted for another pid namespace, in which process numbers differ.
  const me = orNull(() => readlinkSync(`${proc}/self`))
  const caller = me && parentOf(proc, me)
  const found: DeviceFile[] = []
  for (const pid of pids) {
    if (pid === me || pid === caller) continue
    const file = firstOpened(`${proc}/${pid}`, { wanted, named, types })
    if (file === null || (caller !== null && parentOf(proc, pid) === caller)) continue
    found.push({ pid: Number(pid), command: textOf(`${proc}/${pid}/comm`)?.trimEnd() ?? '?', ...file })
  }
  return found
}

interface WantedDevices {
  readonly wanted: ReadonlySet<string>
  readonly named: ReadonlySet<string>
  readonly types: ReadonlyMap<string, string>
}

function firstOpened(
  process: string,
  { wanted, named, types }: WantedDevices,
): Pick<DeviceFile, 'path'> | null {
  for (const fd of namesIn(`${process}/fd`)) {
    const link = `${process}/fd/${fd}`
    const path = orNull(() => readlinkSync(link))
    // Sockets and pipes have no path.
    if (!path?.startsWith('/')) continue
    const info = textOf(`${process}/fdinfo/${fd}`) ?? ''
    if ((Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8) & O_PATH) !== 0) continue
    const type = types.get(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '')
    const isWanted =
      type !== undefined && ANSWERS_FROM_MEMORY.has(type)
        ? wanted.has(orNull(() => deviceOf(link)) ?? '')
        : named.has(path)
    if (isWanted) return { path }
  }
  return null
}

function deviceOf(path: string): string | null {
  const stat = statSync(path)
  const kind = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : null
  return kind && `${kind}${major(stat.rdev)}:${minor(stat.rdev)}`
}

// As the C library packs them (sysdeps/unix/sysv/linux/makedev.c): major 12 bits, minor 8 low and 12 high bits.
const major = (rdev: number) => Math.floor(rdev / 0x100) % 0x1000
const minor = (rdev: number) => (rdev % 0x100) + (Math.floor(rdev / 0x100_000) % 0x1000) * 0x100

/** The file system type of each mount in each mount namespace, by the mount's unique number. */
function mountTypes(proc: string, pids: readonly string[]): Map<string, string> {
  const types = new Map<string, string>()
  const seen = new Set<string>()
  for (const pid of pids) {
    const namespace = orNull(() => readlinkSync(`${proc}/${pid}/ns/mnt`)) ?? pid
    if (seen.has(namespace)) continue
    const table = textOf(`${proc}/${pid}/mountinfo`)
    // A process that is ending has no table; another process of the namespace has one.
    if (table) seen.add(namespace)
    for (const line of table?.split('\n') ?? []) {
      const [, id, type] = /^(\d+) .* - (\S+) /.exec(line) ?? []
      if (id !== undefined && type !== undefined) types.set(id, type)
    }
  }
  return types
}

function parentOf(proc: string, pid: string): string | null {
  // The process name comes before it and may contain any character: proc_pid_stat(5).
  return /^.*\) \S (\d+) /s.exec(textOf(`${proc}/${pid}/stat`) ?? '')?.[1] ?? null
}

const namesIn = (directory: string) => orNull(() => readdirSync(directory)) ?? []
const textOf = (path: string) => orNull(() => readFileSync(path, 'utf8'))

/** Null if the process has ended. A resource shortage of this process must not look like "not in use". */
function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') throw error
    return null
  }
}
