import { LunkeeperError } from '../../model/errors.ts'
import { identityDifference } from '../../model/identity.ts'
import type { Portal } from '../../model/portal.ts'
import { formatPortal } from '../../model/portal.ts'
import type { Path, PathWork } from './path.ts'
import { preparePath } from './path.ts'

/**
 * Once one path works, the others get this much longer. A live portal is ready within tens of milliseconds of the
 * others; a dead one must not delay them.
 */
const OTHER_PATHS_DEADLINE_MS = 1_500

/**
 * Creates all paths at once and returns those that work, the first portal's first. If one path works, the failure of
 * another is a warning, unless it shows another volume: that fails everything.
 * @throws the error of the first portal, if no path works · IDENTITY_MISMATCH
 */
export async function preparePaths(work: PathWork, signal?: AbortSignal): Promise<Path[]> {
  const { portals } = work.request
  const late = new AbortController()
  const stop = signal ? AbortSignal.any([signal, late.signal]) : late.signal
  const attempts = portals.map((portal) => preparePath(work, portal, stop))
  void Promise.any(attempts).then(
    () => setTimeout(() => late.abort(), OTHER_PATHS_DEADLINE_MS).unref(),
    () => {},
  )
  const outcomes = await Promise.allSettled(attempts)
  const paths = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected' ? [{ portal: portals[index]!, error: outcome.reason as unknown }] : [],
  )
  const foreign = failures.find(({ error }) => isIdentityError(error))
  if (foreign) throw foreign.error
  if (paths.length === 0) throw worst(failures.map(({ error }) => error))
  for (const { portal, error } of failures) work.steps.warn(reasonOf(portal, error, late.signal.aborted))
  sameVolume(paths)
  return paths
}

function sameVolume([first, ...others]: readonly Path[]): void {
  for (const other of others) {
    const { wwid, serial, bytes } = first!.identity
    const difference = identityDifference(other.identity, { wwid, serial, bytes })
    if (difference)
      throw new LunkeeperError(
        'IDENTITY_MISMATCH',
        `${formatPortal(first!.portal)} and ${formatPortal(other.portal)} show different volumes: at the second, ${difference}`,
      )
  }
}

function isIdentityError(error: unknown): boolean {
  return (
    error instanceof LunkeeperError &&
    ['IDENTITY_MISMATCH', 'IDENTITY_UNREADABLE', 'STALE_DISK', 'INTERNAL'].includes(error.code)
  )
}

/** Of several failures, the most specific one: an answer of the target is preferred to silence on the network. */
function worst(errors: readonly unknown[]): unknown {
  const telling = (error: unknown) =>
    error instanceof LunkeeperError ? (/^PORTAL_|^CANCELLED/.test(error.code) ? 1 : 2) : 3
  return errors.toSorted((a, b) => telling(b) - telling(a))[0]
}

function reasonOf(portal: Portal, error: unknown, aborted: boolean): string {
  if (aborted && error instanceof LunkeeperError && error.code === 'CANCELLED')
    return `${formatPortal(portal)} did not answer in time; continuing without it`
  return `${formatPortal(portal)} is not used: ${(error as Error).message}`
}
