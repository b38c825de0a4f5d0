import { complaint } from '../exec/run.ts'
import type { Host } from '../host.ts'

/** A directory on a local disk takes milliseconds; one whose file system hangs never comes. */
const DEADLINE = 10_000

/**
 * Whether nothing can be made in a directory, by root neither (chattr(1): i). Null where it does not say:
 * its file system has no such flag, or it is not there.
 */
export async function isImmutable(host: Host, directory: string): Promise<boolean | null> {
  // -d: the directory itself. A word of letters and dashes, then the name.
  const ran = await host.run('lsattr', ['-d', '--', directory], { deadline: DEADLINE })
  const flags = ran.code === 0 ? /^([A-Za-z-]+) /.exec(ran.stdout)?.[1] : undefined
  return flags?.includes('i') ?? null
}

/**
 * Sets or takes the flag, of a directory only: chattr follows no symbolic link.
 * @returns why it could not be done; null where it was
 */
export async function setImmutable(host: Host, directory: string, on: boolean): Promise<string | null> {
  const ran = await host.run('chattr', [on ? '+i' : '-i', directory], { deadline: DEADLINE })
  return ran.code === 0 ? null : complaint(ran)
}
