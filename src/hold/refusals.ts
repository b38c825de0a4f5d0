import type { ErrorCode } from '../model/errors.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { Refusal, Refused } from '../model/plan/hold-facts.ts'

/**
 * What an error means for a path that was being verified or brought back. Any other error only means that the path
 * cannot be used now.
 */
const REFUSALS: Partial<Record<ErrorCode, Refusal>> = {
  IDENTITY_MISMATCH: 'foreign',
  // Another volume's disk is in its place and is in use; or the target has no such LUN.
  STALE_DISK: 'absent',
  LUN_ABSENT: 'absent',
  FENCED: 'lost',
  OWNER_UNKNOWN: 'unknown',
  SHRUNK: 'short',
}

/** An error of a verification or a return, in the hold planner's form. */
export function refusedBy(error: unknown): Refused {
  const cause = error instanceof LunkeeperError ? REFUSALS[error.code] : undefined
  const holder = error instanceof LunkeeperError && cause === 'lost' ? holderOf(error) : null
  return {
    cause: cause ?? 'unreachable',
    message: error instanceof Error ? error.message : String(error),
    ...(holder === null ? {} : { holder }),
  }
}

/** The node that owns the volume, if the error names it. */
function holderOf({ details }: LunkeeperError): string | null {
  const { holder, key } = details
  return typeof holder === 'string' ? holder : typeof key === 'string' ? `0x${key}` : null
}
