import { listNames, readAttribute, readLink, readStat, readText } from '../read/attribute.ts'
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
  const types = new MountTypes(proc)
  // This procfs may have been mounted for another pid namespace, in which process numbers differ.
  const me = readLink(`${proc}/self`)
  const caller = me && parentOf(proc, me)
  const found: DeviceFile[] = []
  for (const pid of listNames(proc)) {
    if (!/^\d+$/.test(pid) || pid === me || pid === caller) continue
    const file = firstOpened(`${proc}/${pid}`, { wanted, named, typeOf: (mount) => types.of(mount, pid) })
    if (file === null || (caller !== null && parentOf(proc, pid) === caller)) continue
    found.push({ pid: Number(pid), command: readAttribute(`${proc}/${pid}/comm`) ?? '?', ...file })
  }
  return found
}

interface WantedDevices {
  readonly wanted: ReadonlySet<string>
  readonly named: ReadonlySet<string>
  /** The type of the file system with this number in `mountinfo`; undefined if it is mounted nowhere. */
  readonly typeOf: (mount: string) => string | undefined
}

function firstOpened(
  process: string,
  { wanted, named, typeOf }: WantedDevices,
): Pick<DeviceFile, 'path'> | null {
  for (const fd of listNames(`${process}/fd`)) {
    const link = `${process}/fd/${fd}`
    const path = readLink(link)
    // Sockets and pipes have no path.
    if (!path?.startsWith('/')) continue
    // The relevant fields are in the first lines (fs/proc/fd.c:seq_show).
    const info = readAttribute(`${process}/fdinfo/${fd}`) ?? ''
    if ((Number.parseInt(/^flags:\s*(\d+)$/m.exec(info)?.[1] ?? '0', 8) & O_PATH) !== 0) continue
    const type = typeOf(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? '')
    const isWanted =
      type !== undefined && ANSWERS_FROM_MEMORY.has(type) ? wanted.has(deviceOf(link) ?? '') : named.has(path)
    if (isWanted) return { path }
  }
  return null
}

function deviceOf(path: string): string | null {
  // Null: the descriptor was closed meanwhile.
  const stat = readStat(path)
  if (stat === null) return null
  const kind = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : null
  return kind && `${kind}${major(stat.rdev)}:${minor(stat.rdev)}`
}

// As the C library packs them (sysdeps/unix/sysv/linux/makedev.c): major 12 bits, minor 8 low and 12 high bits.
const major = (rdev: number) => Math.floor(rdev / 0x100) % 0x1000
const minor = (rdev: number) => (rdev % 0x100) + (Math.floor(rdev / 0x100_000) % 0x1000) * 0x100

/** The file system type of each mount, by the mount's number, which is unique among the mounts of all namespaces. */
class MountTypes {
  readonly #proc: string
  readonly #types = new Map<string, string>()
  readonly #namespaces = new Set<string>()

  constructor(proc: string) {
    this.#proc = proc
  }

  /** @param pid a process that has a file of this mount open */
  of(mount: string, pid: string): string | undefined {
    if (!this.#types.has(mount)) this.#readNamespace(pid)
    return this.#types.get(mount)
  }

  #readNamespace(pid: string): void {
    const namespace = readLink(`${this.#proc}/${pid}/ns/mnt`) ?? pid
    if (this.#namespaces.has(namespace)) return
    const table = readText(`${this.#proc}/${pid}/mountinfo`)
    // A process that is ending has no table; another process of the namespace has one.
    if (!table) return
    this.#namespaces.add(namespace)
    for (const line of table.split('\n')) {
      const [, id, type] = /^(\d+) .* - (\S+) /.exec(line) ?? []
      if (id !== undefined && type !== undefined) this.#types.set(id, type)
    }
  }
}

function parentOf(proc: string, pid: string): string | null {
  // The process name comes before it and may contain any character: proc_pid_stat(5).
  return /^.*\) \S (\d+) /s.exec(readAttribute(`${proc}/${pid}/stat`) ?? '')?.[1] ?? null
}
