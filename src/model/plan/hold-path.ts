import type {
  HeldPath,
  HoldFacts,
  HoldMemory,
  IoFailures,
  PortalFacts,
  ProbeResult,
  Refusal,
  ReturnAttempt,
  ReturnStep,
  StepOf,
} from './hold-facts.ts'
import { isUsable } from './hold-facts.ts'

/** Between two tries while something has just answered. */
const RETRY_MS = 300
/** Until a disk whose session is back is looked at again. */
const UNBLOCK_LOOK_MS = 50
/** For states that do not change soon: another volume that answers, an owner that cannot be asked. */
const LONG_RETRY_MS = 1_000

/**
 * Once its portal takes logins, iscsid is given this long to restore a lost session that has many disks: its own
 * pause between tries is 2 s (DefaultTime2Wait), nothing can be told to shorten it, and making the disks
 * again takes longer. For few disks a new login is quicker.
 */
const MEND_MS = 3_000
const MANY_DISKS = 4

/**
 * A session that is back lets its disks go on one by one, in a work queue (scsi_transport_iscsi.c:
 * session_unblock_work): how long they are waited for, before they are created again.
 */
const UNBLOCK_MS = 2_000
const BLOCKED: ReadonlySet<string> = new Set(['blocked', 'transport-offline', 'created-blocked'])

/**
 * A target that answers and fails I/O (no space, medium errors) would have its path reinstated and failed several times
 * a second: after the second failure in a row it is left alone, each time for longer.
 */
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 10_000
/** Failures that are further apart than this are not a row. */
const ROW_MS = 60_000

/** Refusals after which the volume is searched for under another number. */
const ELSEWHERE: ReadonlySet<Refusal> = new Set(['foreign', 'absent'])

export const NO_ATTEMPT: ReturnAttempt = {
  isBusy: false,
  nextMs: 0,
  waitsSinceMs: null,
  isMending: false,
  upSinceMs: null,
  searchesLuns: false,
}

/** What the next step of a path's return is, and what there is to say. */
export interface ReturnPlan {
  readonly attempt: ReturnAttempt
  readonly step: StepOf<'return'> | null
  /** Why it waits, for the log. */
  readonly why: string | null
  /** The portal is to be asked whether its target takes logins. */
  readonly needsProbe: boolean
}

/** @param inTable whether the map has a path */
export function planReturn(
  facts: HoldFacts,
  { portal, session, probe }: PortalFacts,
  before: ReturnAttempt,
  inTable: (path: HeldPath) => boolean,
): ReturnPlan {
  const { nowMs } = facts
  const isUp = session?.state === 'LOGGED_IN'
  const isDue = nowMs >= before.nextMs || (isUp && before.isMending)
  const idle = { step: null, why: null, needsProbe: false }
  if (before.isBusy || !isDue) return { attempt: before, ...idle, needsProbe: before.isMending && !isUp }
  // What was seen of the session in its former state says nothing of this one.
  const attempt = { ...before, isMending: false, ...(isUp ? { waitsSinceMs: null } : { upSinceMs: null }) }
  const found = facts.paths.find(({ sid }) => sid === session?.sid) ?? null
  if (isUp) {
    const upSinceMs = attempt.upSinceMs ?? nowMs
    if (found && inTable(found) && BLOCKED.has(found.diskState) && nowMs <= upSinceMs + UNBLOCK_MS)
      return { attempt: { ...attempt, upSinceMs, nextMs: nowMs + UNBLOCK_LOOK_MS }, ...idle }
  } else {
    const waitsSinceMs = attempt.waitsSinceMs ?? nowMs
    const openMs = openSince(probe, waitsSinceMs)
    // Looked at again when the portal opens.
    if (openMs === null)
      return {
        attempt: { ...attempt, waitsSinceMs, nextMs: 0 },
        step: null,
        why: probe?.closed ?? null,
        needsProbe: true,
      }
    const mendedMs = openMs + MEND_MS
    if (session && !(isFew(session.disks) && session.isAllHeld) && nowMs < mendedMs)
      return {
        attempt: { ...attempt, waitsSinceMs, isMending: true, nextMs: mendedMs },
        step: null,
        why: `session ${session.sid} is ${session.state}`,
        needsProbe: true,
      }
  }
  const known = found && isUsable(found) && inTable(found) ? { sid: found.sid, devno: found.devno } : null
  const step = {
    kind: 'return',
    portal,
    path: known,
    steps: [...(attempt.searchesLuns ? (['search-lun'] as const) : []), ...stepsOf(known !== null, isUp)],
  } as const
  return { attempt: { ...attempt, isBusy: true, nextMs: 0 }, step, why: null, needsProbe: false }
}

/**
 * No I/O goes through a path before its disk has said, over the connection that it has now, that it is the volume.
 * A path that the map has needs only that. Another one is made: with its volumes on hold maps a lost session can go,
 * since nothing is lost with it, and a new login is quicker than iscsid's.
 */
function stepsOf(isKnown: boolean, isUp: boolean): readonly ReturnStep[] {
  if (isKnown) return ['verify', 'reinstate']
  return [...(isUp ? [] : (['log-out'] as const)), 'make-path', 'verify', 'load-table']
}

/**
 * Since when a target takes logins, as far as the one who waits can trust it: that it took them before the path was
 * lost says nothing, and a login at a target that has just gone keeps everything that waits for 15 s.
 */
function openSince(probe: ProbeResult | null, waitsSinceMs: number): number | null {
  if (probe === null || probe.openSinceMs === null || probe.confirmedMs < waitsSinceMs) return null
  return Math.max(probe.openSinceMs, waitsSinceMs)
}

const isFew = (disks: number | null) => disks !== null && disks <= MANY_DISKS

/** The attempt after a return that was refused. */
export function afterRefusal(
  attempt: ReturnAttempt,
  { cause, foundHere }: { readonly cause: Refusal; readonly foundHere: boolean },
  nowMs: number,
): ReturnAttempt {
  const isElsewhere = ELSEWHERE.has(cause)
  const hasSearched = attempt.searchesLuns && !foundHere
  // At first at once: it may only have another number.
  const pause = isElsewhere
    ? hasSearched
      ? LONG_RETRY_MS
      : 0
    : cause === 'unknown'
      ? LONG_RETRY_MS
      : RETRY_MS
  return { ...NO_ATTEMPT, nextMs: nowMs + pause, searchesLuns: isElsewhere || hasSearched }
}

export interface FailedIo {
  readonly ioFailures: HoldMemory['ioFailures']
  readonly said: readonly StepOf<'say'>[]
}

/**
 * Paths that carried I/O a look ago, and that the kernel has failed although their target answers. A table that was
 * loaded for another path meanwhile has them no more.
 */
export function noticeFailedIo(
  { nowMs, paths }: HoldFacts,
  { ioFailures, carrying }: HoldMemory,
  isActive: (path: HeldPath) => boolean,
): FailedIo {
  const failed = paths.filter((path) => isUsable(path) && !isActive(path) && carrying.includes(path.devno))
  if (failed.length === 0) return { ioFailures, said: [] }
  const after = new Map(ioFailures)
  const said = failed.map(({ sid, disk }) => {
    const now = nextFailure(after.get(sid), nowMs)
    after.set(sid, now)
    const pause = (now.untilMs - nowMs) / 1000
    return {
      kind: 'say' as const,
      about: 'io',
      text: `the target answers, but I/O through ${disk} failed${pause > 0 ? `; it is tried again in ${pause} s` : ''}`,
    }
  })
  return { ioFailures: after, said }
}

function nextFailure(before: IoFailures | undefined, nowMs: number): IoFailures {
  const count = before && nowMs - before.lastMs < ROW_MS ? before.count + 1 : 1
  const pause = count < 2 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 2))
  return { count, lastMs: nowMs, untilMs: nowMs + pause }
}
