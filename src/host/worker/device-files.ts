import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

import type { DeviceFile } from './protocol.ts'

/**
 * File systems that can contain device nodes and answer stat(2) from memory. Network file systems and FUSE may not
 * answer at all: their open files are not examined, and a device node on one is found by its name only.
 */
const ANSWERS_FROM_MEMORY: ReadonlySet<string> = new Set(
  'devtmpfs tmpfs ramfs rootfs hostfs overlay ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs squashfs erofs'.split(
    ' ',
  ),
)

/**
 * Refers to a path without opening it (asm-generic/fcntl.h); the same on all architectures but alpha, sparc and parisc.
 */
const O_PATH = 0o10_000_000

/**
 * The processes that have one of these devices open, whatever its node is named and in whichever mount namespace it is:
 * by the device number that each file descriptor refers to. The caller's own processes do not count.
 * @param proc where procfs is mounted
 * @param devices `b8:16` or `c21:3`
 * @param nodes names that identify a descriptor that cannot be examined
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
  // As this procfs numbers them, which may be mounted for another pid namespace.
  const me = orNull(() => readlinkSync(`${proc}/self`))
  const caller = me && parentOf(proc, me)
  const found: DeviceFile[] = []
  for (const pid of pids) {
    if (pid === me || pid === caller) continue
    const file = firstOf(`${proc}/${pid}`, { wanted, named, types })
    if (file === null || (caller !== null && parentOf(proc, pid) === caller)) continue
    found.push({ pid: Number(pid), command: textOf(`${proc}/${pid}/comm`)?.trimEnd() ?? '?', ...file })
  }
  return found
}

interface Sought {
  readonly wanted: ReadonlySet<string>
  readonly named: ReadonlySet<string>
  readonly types: ReadonlyMap<string, string>
}

function firstOf(process: string, { wanted, named, types }: Sought): Pick<DeviceFile, 'path'> | null {
  for (const fd of namesIn(`${process}/fd`)) {
    const link = `${process}/fd/${fd}`
    const path = orNull(() => readlinkSync(link))
    // Sockets, pipes and the like.
    if (!path?.startsWith('/')) continue
    const info = textOf(`${process}/fdinfo/${fd}`) ?? ''
    if ((Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8) & O_PATH) !== 0) continue
    const type = types.get(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '')
    const isIt =
      type !== undefined && ANSWERS_FROM_MEMORY.has(type)
        ? wanted.has(orNull(() => deviceOf(link)) ?? '')
        : named.has(path)
    if (isIt) return { path }
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
    // A process that is ending has none; the next one of its namespace does.
    if (table) seen.add(namespace)
    for (const line of table?.split('\n') ?? []) {
      const [, id, type] = /^(\d+) .* - (\S+) /.exec(line) ?? []
      if (id !== undefined && type !== undefined) types.set(id, type)
    }
  }
  return types
}

function parentOf(proc: string, pid: string): string | null {
  // The name before it may contain anything: proc_pid_stat(5).
  return /^.*\) \S (\d+) /s.exec(textOf(`${proc}/${pid}/stat`) ?? '')?.[1] ?? null
}

const namesIn = (directory: string) => orNull(() => readdirSync(directory)) ?? []
const textOf = (path: string) => orNull(() => readFileSync(path, 'utf8'))

/** Processes end while they are examined. A resource shortage of our own must not count as "no users". */
function orNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM') throw error
    return null
  }
}
