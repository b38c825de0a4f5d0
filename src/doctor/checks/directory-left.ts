import { lstat } from 'node:fs/promises'
import { join } from 'node:path'

import { isImmutable } from '../../host/fs/immutable.ts'
import type { Host } from '../../host/host.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { HistoryEvent } from '../../model/history.ts'
import { readHistory } from '../../state/records/history.ts'
import type { NodeCheck } from '../check.ts'
import { shellWord } from '../../model/shell.ts'

/** Each directory costs a program; it is very unlikely that more than this were left. */
const MAX_DIRECTORIES = 32

export const directoryLeft: NodeCheck = {
  name: 'directories of former volumes',
  async node({ host, records, corrupt, snapshot }) {
    // A record that cannot be read may belong to such a directory.
    if (corrupt.length > 0) return []
    const { events } = readHistory(host, {})
    const kept = records.flatMap(({ protectedDirectory, request }) => [protectedDirectory, request.use.mount])
    const mounted = snapshot.mounts.map(({ point }) => point)
    const candidates = leftDirectories(events, new Set([...kept, ...mounted]))
    const left = await Promise.all(
      candidates.map(async (one) => {
        try {
          return (await isImmutable(host, one.directory)) && (await isOlder(host, one)) ? [one] : []
        } catch (error) {
          // Without lsattr nothing can be determined; a directory that hangs is not asked again.
          if (isLunkeeperError(error, 'PROGRAM_MISSING', 'TIMEOUT')) return []
          throw error
        }
      }),
    )
    return left.flat().map(({ directory, volume }) => ({
      code: 'DIRECTORY_LEFT',
      severity: 'warning',
      subject: directory,
      message: `it was made immutable as the bare mount point of ${volume}, which is not attached any more`,
      evidence: { directory, volume },
      fix: `Run lunkeeper doctor --fix, or: chattr -i ${shellWord(directory)}`,
    }))
  },
}

/** A directory that was made immutable as the bare mount point of a volume. */
interface FormerMountPoint {
  readonly directory: string
  readonly volume: string
  /** When that volume was detached since, which cleared the flag; null if it was not. ISO 8601. */
  readonly detachedAt: string | null
}

/** Directories that were made immutable for a volume, the latest first, except those that are in use. */
export function leftDirectories(
  history: readonly HistoryEvent[],
  used: ReadonlySet<string | null>,
): readonly FormerMountPoint[] {
  const found = new Map<string, FormerMountPoint>()
  const detached = new Map<string, string>()
  for (const event of history.toReversed()) {
    const { volume, at } = event
    if (volume === null) continue
    if (event.event === 'detached' && !detached.has(volume)) detached.set(volume, at)
    if (event.event !== 'attached' || !event.directory || found.has(event.directory)) continue
    const { directory } = event
    found.set(directory, { directory, volume, detachedAt: detached.get(volume) ?? null })
  }
  return [...found.values()].filter(({ directory }) => !used.has(directory)).slice(0, MAX_DIRECTORIES)
}

/**
 * Whether the flag is from before the detach: a node that lost its power may not have written out that it was cleared. If the
 * directory has changed since, an administrator has set it.
 */
async function isOlder(host: Host, { directory, detachedAt }: FormerMountPoint): Promise<boolean> {
  if (detachedAt === null) return true
  const now = await lstat(join(host.paths.root, directory)).catch(() => null)
  return now !== null && now.ctimeMs < Date.parse(detachedAt)
}
