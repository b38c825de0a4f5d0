import { failureReason } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** A directory on a local disk takes milliseconds; one whose file system hangs never returns. */
const DEADLINE_MS = 10_000

/**
 * Whether nothing can be created in a directory, not even by root (chattr(1): i). Null if it cannot be determined: the
 * file system has no such flag, or the directory does not exist.
 */
export async function isImmutable(host: Host, directory: string): Promise<boolean | null> {
  // -d: the directory itself. A word of letters and dashes, then the name.
  const ran = await host.run('lsattr', ['-d', '--', directory], { deadline: DEADLINE_MS })
  const flags = ran.code === 0 ? /^([A-Za-z-]+) /.exec(ran.stdout)?.[1] : undefined
  return flags?.includes('i') ?? null
}

/**
 * Sets or clears the flag, of a directory only: chattr follows no symbolic link.
 * @returns the reason of a failure; null on success
 */
export async function setImmutable(host: Host, directory: string, on: boolean): Promise<string | null> {
  const ran = await host.run('chattr', [on ? '+i' : '-i', directory], { deadline: DEADLINE_MS })
  return ran.code === 0 ? null : failureReason(ran)
}
