import { isImmutable } from '../../host/fs/immutable.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import type { HistoryEvent } from '../../model/history.ts'
import { readHistory } from '../../state/records/history.ts'
import type { NodeCheck } from '../check.ts'

/** Each directory costs a program; it is very unlikely that more than this were left. */
const MAX_DIRECTORIES = 32

export const directoryLeft: NodeCheck = {
  name: 'directories of former volumes',
  async node({ host, records, corrupt, snapshot }) {
    // A record that cannot be read may belong to such a directory.
    if (corrupt.length > 0) return []
    const attached = readHistory(host, { event: 'attached' }).events
    const kept = records.flatMap(({ protectedDirectory, request }) => [protectedDirectory, request.use.mount])
    const mounted = snapshot.mounts.map(({ point }) => point)
    const candidates = leftDirectories(attached, new Set([...kept, ...mounted]))
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
      fix: `Run lunkeeper doctor --fix, or: chattr -i ${directory}`,
    }))
  },
}

/** Directories that were made immutable for a volume, the latest first, except those that are in use. */
export function leftDirectories(
  history: readonly HistoryEvent[],
  used: ReadonlySet<string | null>,
): { readonly directory: string; readonly volume: string }[] {
  const found = new Map<string, string>()
  for (const event of history.toReversed())
    if (event.event === 'attached' && event.directory && event.volume !== null && !found.has(event.directory))
      found.set(event.directory, event.volume)
  return [...found]
    .filter(([directory]) => !used.has(directory))
    .slice(0, MAX_DIRECTORIES)
    .map(([directory, volume]) => ({ directory, volume }))
}
