import type { HostPaths } from '../paths.ts'
import { linkName, listNames, readAttribute, readLink, readText } from './attribute.ts'
import { followsUnmount } from './mount-copies.ts'
import { readHostTable, readMounts, readMountTable } from './mounts.ts'

/** Objects that may be in use: mount points, and block devices by number (`8:16`) and by name under /dev (`sdb`). */
export interface Usable {
  readonly points: readonly string[]
  readonly devnos: readonly string[]
  readonly deviceNames: readonly string[]
}

/** A process that keeps a mount or a device busy. */
export interface UserProcess {
  readonly pid: number
  readonly command: string
  /** How it uses it: working directory, root directory, program, open file, open device, or mapped file. */
  readonly what: 'cwd' | 'root' | 'exe' | 'file' | 'device' | 'map'
  readonly path: string
}

/**
 * Another mount namespace in which one of the devices is mounted, identified by its first process. The file system stays alive
 * there after the host's own unmount. Copies that this unmount removes as well do not count.
 */
export interface UserNamespace {
  readonly pid: number
  readonly command: string
  /** Where it is mounted there. */
  readonly point: string
}

export interface Users {
  readonly processes: readonly UserProcess[]
  readonly namespaces: readonly UserNamespace[]
}

export interface UsersOptions {
  /**
   * Whether to check mapped files too. Their table is read under a lock of the examined process (fs/proc/task_mmu.c:
   * mmap_lock), so processes that sleep in the kernel are skipped.
   * @default true
   */
  readonly maps?: boolean
}

/**
 * The processes that keep a mount or a device busy, other than this one: one entry for each process and kind of use.
 * Only links are read, and nothing at or below a mount point is accessed, so an outage does not block it. It explains
 * EBUSY. An empty result proves nothing: the kernel itself may be the user (loop, swap, nfsd).
 */
export function findUsers(paths: HostPaths, usable: Usable, options: UsersOptions = {}): Users {
  const home = readLink(`${paths.self}/ns/mnt`)
  // Also where a bind mount shows what is mounted at the given points.
  const mounted = readMounts(paths).filter(({ devno }) => usable.devnos.includes(devno))
  const homePoints = [...new Set([...usable.points, ...mounted.map(({ point }) => point)])]
  // As the mounted /proc numbers it, which in another pid namespace differs from process.pid.
  const me = linkName(`${paths.proc}/self`)
  const devices = new Set(usable.deviceNames.map((name) => `/dev/${name}`))
  const hexDevnos = usable.devnos.map(hexDevno)
  const places = new Map<string, readonly string[]>()
  const processes: UserProcess[] = []
  const namespaces: UserNamespace[] = []

  for (const pid of listNames(paths.proc)) {
    if (!/^\d+$/.test(pid) || pid === me) continue
    const directory = `${paths.proc}/${pid}`
    // A kernel thread or a zombie has no program and no files either.
    const exe = readLink(`${directory}/exe`)
    if (exe === null) continue
    const process = () => ({ pid: Number(pid), command: commandOf(directory) })

    const namespace = readLink(`${directory}/ns/mnt`)
    const isHome = namespace === null || home === null || namespace === home
    if (!isHome && !places.has(namespace)) {
      const mounts = mountsOf(paths, `${directory}/mountinfo`, usable.devnos)
      places.set(
        namespace,
        mounts.map(({ point }) => point),
      )
      for (const { point, follows } of mounts) if (!follows) namespaces.push({ ...process(), point })
    }
    const points = isHome ? homePoints : (places.get(namespace) ?? [])

    const uses = usesOf(directory, exe, points, devices)
    if (options.maps !== false && uses.length === 0) uses.push(...mappingsOf(directory, points, hexDevnos))
    for (const use of uses) processes.push({ ...process(), ...use })
  }
  return { processes, namespaces }
}

type Use = Pick<UserProcess, 'what' | 'path'>

function usesOf(
  directory: string,
  exe: string,
  points: readonly string[],
  devices: ReadonlySet<string>,
): Use[] {
  const uses: Use[] = []
  const add = (what: Use['what'], path: string | null) => {
    if (path !== null && !uses.some((use) => use.what === what) && isBelow(path, points))
      uses.push({ what, path })
  }
  add('cwd', readLink(`${directory}/cwd`))
  add('root', readLink(`${directory}/root`))
  add('exe', exe)
  for (const descriptor of listNames(`${directory}/fd`)) {
    const path = readLink(`${directory}/fd/${descriptor}`)
    if (path === null || !path.startsWith('/')) continue
    if (devices.has(path) && !uses.some((use) => use.what === 'device')) uses.push({ what: 'device', path })
    else add('file', path)
  }
  return uses
}

// Start-end permissions offset major:minor inode path, the device in hexadecimal (proc_pid_maps(5)).
const MAPPING = /^\S+ \S+ \S+ (\S+) \d+ +(\/.*)$/

function mappingsOf(directory: string, points: readonly string[], hexDevnos: readonly string[]): Use[] {
  if (sleepsInKernel(directory)) return []
  for (const line of (readText(`${directory}/maps`) ?? '').split('\n')) {
    const [, devno = '', path = ''] = MAPPING.exec(line) ?? []
    if (path !== '' && (hexDevnos.includes(devno) || isBelow(path, points))) return [{ what: 'map', path }]
  }
  return []
}

// Any thread in state D may hold the lock that the table is read under.
function sleepsInKernel(directory: string): boolean {
  return listNames(`${directory}/task`).some((thread) =>
    /^.*\) D /s.test(readAttribute(`${directory}/task/${thread}/stat`) ?? ''),
  )
}

interface OtherMount {
  readonly point: string
  /** Whether the host's own unmount removes it too. */
  readonly follows: boolean
}

/**
 * Where another namespace has the devices mounted. Any service with a private systemd namespace has a copy of every
 * mount, which is removed with ours.
 */
function mountsOf(paths: HostPaths, mountinfo: string, devnos: readonly string[]): OtherMount[] {
  const theirs = readMountTable(mountinfo)
  const found = theirs.filter(({ mount }) => devnos.includes(mount.devno))
  if (found.length === 0) return []
  const ours = readHostTable(paths)
  return found.map((their) => ({
    point: their.mount.point,
    follows: ours.some((our) => followsUnmount(their, theirs, our, ours)),
  }))
}

// Not `cmdline`: that is read from the process's own memory, which can block with it.
function commandOf(directory: string): string {
  return readAttribute(`${directory}/comm`) ?? '?'
}

/** The point itself or anything under it: /mnt/v10 is not below /mnt/v1. */
function isBelow(path: string, points: readonly string[]): boolean {
  return points.some((point) => path === point || path.startsWith(point.endsWith('/') ? point : `${point}/`))
}

function hexDevno(devno: string): string {
  return devno
    .split(':')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')
}
