import { isImmutable } from '../../host/fs/immutable.ts'
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
          return (await isImmutable(host, one.directory)) ? [one] : []
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

/**
 * Directories that were made immutable for a volume, the latest first, except those that are in use, and those of
 * volumes that were detached since: that detach has cleared the flag, so an administrator has set it again.
 */
export function leftDirectories(
  history: readonly HistoryEvent[],
  used: ReadonlySet<string | null>,
): { readonly directory: string; readonly volume: string }[] {
  const found = new Map<string, string | null>()
  const detached = new Set<string>()
  for (const event of history.toReversed()) {
    if (event.volume === null) continue
    if (event.event === 'detached') detached.add(event.volume)
    if (event.event !== 'attached' || !event.directory || found.has(event.directory)) continue
    found.set(event.directory, detached.has(event.volume) ? null : event.volume)
  }
  return [...found]
    .flatMap(([directory, volume]) => (volume === null || used.has(directory) ? [] : { directory, volume }))
    .slice(0, MAX_DIRECTORIES)
}
