import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef, Mount } from '../../model/snapshot.ts'
import { failureReason } from '../exec/run.ts'
import { callFailed, WorkerError } from '../worker/worker.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { isMountPoint, mountAt } from '../read/mounts.ts'

/** Replaying a large journal over a slow link takes this long; a lost target is detected much earlier. */
const MOUNT_DEADLINE_MS = 120_000
/** An unmount writes all dirty data first. After this time the user should be told that it takes long. */
const UMOUNT_DEADLINE_MS = 120_000

/** A healthy file system answers in microseconds; a directory may be on one that hangs. */
export const DIRECTORY_DEADLINE_MS = 10_000

/** Mounts a device. Mounting writes: the journal is replayed, the superblock counts mounts. @throws MOUNT_FAILED TIMEOUT PROOF_EXPIRED */
export async function mountFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  point: string,
  type: string,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const args = [
    '-t',
    type,
    // systemd then unmounts it at shutdown before the network and iscsid stop (systemd.mount(5)).
    '-o',
    ['_netdev', ...options].join(','),
    '--',
    deviceNode(host, device.name),
    point,
  ]
  proof.require(device.devno)
  const ran = await host.run('mount', args, { deadline: MOUNT_DEADLINE_MS, signal })
  if (ran.code !== 0)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `${device.name} was not mounted at ${point}: ${failureReason(ran)}`,
      {
        details: { device: device.name, point, mount: ran.code },
      },
    )
}

/**
 * Unmounts what is visible at a mount point; succeeds if nothing is mounted there. The last unmount of a file system writes
 * its dirty data, journal and superblock, and returns 0 even if that failed (docs/kernel-notes.md).
 * @throws BUSY UNMOUNT_FAILED TIMEOUT PROOF_EXPIRED
 */
export async function unmountFs(host: Host, proof: WriteProof, point: string): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount) return
  proof.require(mount.devno)
  const ran = await host.run('umount', ['--', point], { deadline: UMOUNT_DEADLINE_MS })
  // Another process may have unmounted it meanwhile. The mount table decides, because umount's text contains the
  // path.
  if (ran.code === 0 || !mountAt(host.paths, point)) return
  const code = /(?:target|device) is busy/.test(ran.stderr) ? 'BUSY' : 'UNMOUNT_FAILED'
  throw new LunkeeperError(code, `${point} was not unmounted: ${failureReason(ran)}`)
}

/**
 * Makes a mounted file system read-only, or writable again, as a whole. The kernel refuses `ro` while anything has a file open for
 * writing, and writes everything out.
 * @returns whether that was done; false also if another file system is mounted there now
 * @throws TIMEOUT PROOF_EXPIRED
 */
export async function remountFs(
  host: Host,
  proof: WriteProof,
  { devno, point }: Mount,
  mode: 'ro' | 'rw',
): Promise<boolean> {
  proof.require(devno)
  if (mountAt(host.paths, point)?.devno !== devno) return false
  const ran = await host.run('mount', ['--options-source', 'mtab', '-o', `remount,${mode}`, '--', point], {
    deadline: UMOUNT_DEADLINE_MS,
  })
  return ran.code === 0
}

/**
 * A path as the kernel will print it, with all links in its existing part resolved. A mount point is not accessed, because
 * its file system may wait for a target.
 * @throws BAD_MOUNT STUCK
 */
export async function resolveDirectory(host: Host, path: string): Promise<string> {
  if (isMountPoint(host.paths, path)) return path
  return host.workers
    .use(null, (worker) => worker.call('resolve', { path }, DIRECTORY_DEADLINE_MS))
    .catch(callFailed('BAD_MOUNT', `${path} cannot be used as a mount point`))
}

/**
 * Refuses a mount point that users other than root could replace with a link before the mount: the volume would then be
 * mounted over a directory of their choice.
 * @param path as requested, because links on the way count too
 * @throws BAD_MOUNT STUCK
 */
export async function refuseUntrusted(host: Host, path: string): Promise<void> {
  const found = await host.workers
    .use(null, (worker) => worker.call('firstUntrusted', { path }, DIRECTORY_DEADLINE_MS))
    .catch(callFailed('BAD_MOUNT', `${path} cannot be used as a mount point`))
  if (found === null) return
  const { directory, uid, mode } = found
  throw new LunkeeperError(
    'BAD_MOUNT',
    `${path} cannot be used as a mount point: users other than root can change ${directory} (owner ${uid}, mode ${mode.toString(8).padStart(4, '0')}), and could replace what is in it by a link`,
    {
      hint: 'Use a path below directories that are owned by root and writable only by root: /mnt, /srv, /var/lib.',
    },
  )
}

/** The mount point and the directories above it that do not exist yet, outermost first. @throws STUCK */
export async function missingDirectories(host: Host, point: string): Promise<readonly string[]> {
  return host.workers.use(null, (worker) =>
    worker.call('missingDirectories', { path: point }, DIRECTORY_DEADLINE_MS),
  )
}

/** Creates a mount point, if it does not exist. @throws BAD_MOUNT it is not an empty directory, or not trusted · STUCK */
export async function makeMountPoint(host: Host, point: string): Promise<void> {
  const bad = (reason: string) =>
    new LunkeeperError('BAD_MOUNT', `${point} cannot be used as a mount point: ${reason}`)
  const reason = await mountPointProblem(host, point, { trusted: true }).catch((error: unknown) => {
    throw error instanceof WorkerError ? bad(error.message) : error
  })
  if (reason !== null) throw bad(reason)
}

/**
 * Creates a directory, if it does not exist.
 * @param options.trusted users other than root must not be able to replace it, or a directory above it
 * @returns why nothing may be mounted there; null if it may
 * @throws WorkerError STUCK
 */
export async function mountPointProblem(
  host: Host,
  path: string,
  options: { readonly trusted?: boolean } = {},
): Promise<string | null> {
  const args = { path, trusted: options.trusted ?? false }
  const made = await host.workers.use(null, (worker) =>
    worker.call('makeDirectory', args, DIRECTORY_DEADLINE_MS),
  )
  if (made.link) return 'it is a symbolic link'
  return made.empty ? null : 'it is not empty, and a mount would hide what is in it'
}

/** Removes directories that were created for a mount, if they are empty; others stay. */
export async function removeMountPoint(host: Host, made: readonly string[]): Promise<void> {
  for (const path of made.toReversed())
    if (
      !(await host.workers.use(null, (worker) =>
        worker.call('removeDirectory', { path }, DIRECTORY_DEADLINE_MS),
      ))
    )
      return
}
