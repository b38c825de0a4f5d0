import { LunkeeperError } from '../../model/errors.ts'
import type { BlockRef } from '../../model/snapshot.ts'
import { complaint } from '../exec/run.ts'
import { HandError } from '../hand/hand.ts'
import type { Host } from '../host.ts'
import { deviceNode } from '../host.ts'
import type { WriteProof } from '../proof/proof.ts'
import { mountAt } from '../read/mounts.ts'

/** Replaying a large log over a slow link takes its time; a lost target is noticed long before. */
const MOUNT_DEADLINE = 120_000
/** Everything dirty is written out first; beyond this somebody should know that it takes long. */
const UMOUNT_DEADLINE = 120_000

/** A directory may lie on a file system that hangs; a healthy one answers in microseconds. */
export const DIRECTORY_DEADLINE = 10_000

/** Mounting writes: a journal is replayed, the superblock counts mounts. @throws MOUNT_FAILED TIMEOUT PROOF_EXPIRED */
export async function mountFs(
  host: Host,
  proof: WriteProof,
  device: BlockRef,
  point: string,
  type: string,
  options: readonly string[],
): Promise<void> {
  const args = [
    '-t',
    type,
    // For systemd, not the kernel: unmounted at shutdown before the network and iscsid go (systemd.mount(5)).
    '-o',
    ['_netdev', ...options].join(','),
    '--',
    deviceNode(host, device.name),
    point,
  ]
  proof.require(device.devno)
  const ran = await host.run('mount', args, { deadline: MOUNT_DEADLINE })
  if (ran.code !== 0)
    throw new LunkeeperError(
      'MOUNT_FAILED',
      `${device.name} was not mounted at ${point}: ${complaint(ran)}`,
      {
        details: { device: device.name, point, mount: ran.code },
      },
    )
}

/**
 * Unmounts what is seen at a mount point; nothing mounted there is fine. The last unmount of a file system writes:
 * what is dirty, the journal, the superblock. It returns 0 also where that failed (facts: experiments.md, section 2).
 * @throws BUSY UNMOUNT_FAILED TIMEOUT PROOF_EXPIRED
 */
export async function unmountFs(host: Host, proof: WriteProof, point: string): Promise<void> {
  const mount = mountAt(host.paths, point)
  if (!mount) return
  proof.require(mount.devno)
  const ran = await host.run('umount', ['--', point], { deadline: UMOUNT_DEADLINE })
  if (ran.code === 0 || /not mounted|no mount point specified/.test(ran.stderr)) return
  const code = /busy/.test(ran.stderr) ? 'BUSY' : 'UNMOUNT_FAILED'
  throw new LunkeeperError(code, `${point} was not unmounted: ${complaint(ran)}`)
}

/**
 * A path as the kernel will print it: links in the part that exists are followed. @throws BAD_MOUNT STUCK
 */
export async function resolveDirectory(host: Host, path: string): Promise<string> {
  try {
    return await host.hands.use(null, (hand) => hand.call('resolve', { path }, DIRECTORY_DEADLINE))
  } catch (error) {
    if (!(error instanceof HandError)) throw error
    throw new LunkeeperError('BAD_MOUNT', `${path} cannot be a mount point: ${error.message}`, {
      cause: error,
    })
  }
}

/** The mount point and the directories above it that do not exist yet, outermost first. @throws STUCK */
export async function missingDirectories(host: Host, point: string): Promise<readonly string[]> {
  return host.hands.use(null, (hand) => hand.call('missingDirectories', { path: point }, DIRECTORY_DEADLINE))
}

/** @throws BAD_MOUNT it is no directory, or has something in it · STUCK */
export async function makeMountPoint(host: Host, point: string): Promise<void> {
  const bad = (reason: string) =>
    new LunkeeperError('BAD_MOUNT', `${point} cannot be a mount point: ${reason}`)
  const reason = await whyUnfit(host, point).catch((error: unknown) => {
    throw error instanceof HandError ? bad(error.message) : error
  })
  if (reason !== null) throw bad(reason)
}

/** Makes a directory, if it is not there. @returns why nothing may be mounted there; null where it may @throws HandError STUCK */
export async function whyUnfit(host: Host, path: string): Promise<string | null> {
  const made = await host.hands.use(null, (hand) => hand.call('makeDirectory', { path }, DIRECTORY_DEADLINE))
  if (made.link) return 'it is a symbolic link'
  return made.empty ? null : 'it is not empty, and a mount would hide what is in it'
}

/** Removes directories that were made for a mount, if they are empty; what is not, stays. */
export async function removeMountPoint(host: Host, made: readonly string[]): Promise<void> {
  for (const path of made.toReversed())
    if (!(await host.hands.use(null, (hand) => hand.call('removeDirectory', { path }, DIRECTORY_DEADLINE))))
      return
}
