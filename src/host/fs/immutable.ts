import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** A directory on a local disk takes milliseconds; one whose file system hangs never returns. */
const DEADLINE_MS = 10_000

/**
 * Whether a directory has the immutable flag (chattr(1): i), with which not even root can create anything in it.
 * @returns null if the file system has no such flag, or the directory does not exist
 */
export async function isImmutable(host: Host, directory: string): Promise<boolean | null> {
  // -d: the directory itself. lsattr prints a word of letters and dashes, then the name.
  const ran = await host.run('lsattr', ['-d', '--', directory], { deadline: DEADLINE_MS })
  const flags = ran.code === 0 ? /^([A-Za-z-]+) /.exec(ran.stdout)?.[1] : undefined
  return flags?.includes('i') ?? null
}

/**
 * Sets or clears the immutable flag of a directory. chattr does not follow a symbolic link.
 * @returns the reason of a failure; null on success
 */
export async function setImmutable(host: Host, directory: string, on: boolean): Promise<string | null> {
  const ran = await host.run('chattr', [on ? '+i' : '-i', directory], { deadline: DEADLINE_MS })
  return ran.code === 0 ? null : failureReason(ran)
}
