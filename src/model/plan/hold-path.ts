import type { HeldPath, HoldFacts, PortalFacts, PortalSession, ProbeResult, Refusal } from './hold-facts.ts'
import type { HoldMemory, IoFailures, ReturnAttempt } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import type { ReturnStep, StepOf } from './hold-steps.ts'
import { isUsable } from './hold-facts.ts'
import { say } from './hold-outage.ts'

/** Between two attempts while the target answers. */
const RETRY_MS = 300
/** Until the next look at a disk whose session is back. */
const UNBLOCK_LOOK_MS = 50
/** Until a lost session that could not be logged out is tried again: a command may have needed it. */
const LOG_OUT_RETRY_MS = 5_000
/** Until a path that carries nothing is asked again which volume it is. */
export const ASK_AGAIN_MS = 20_000
/** For states that do not change soon: another volume that answers, an owner that cannot be asked. */
const LONG_RETRY_MS = 1_000

/**
 * How long iscsid has to restore a lost session with many disks before a new login. Counted from when the portal
 * accepts logins. iscsid waits 2 s between attempts (DefaultTime2Wait), and no command can shorten that; but
 * creating many disks takes longer. With few disks a new login is faster.
 */
const RELOGIN_WAIT_MS = 3_000
export const FAST_LOGIN_MAX_DISKS = 4

/**
 * A session that is back unblocks its disks one by one, in a work queue (scsi_transport_iscsi.c:
 * session_unblock_work). This is how long the agent waits for them before it creates them again.
 */
const UNBLOCK_MS = 2_000
const BLOCKED: ReadonlySet<string> = new Set(['blocked', 'transport-offline', 'created-blocked'])

/**
 * If a target answers but fails I/O (no space, medium errors), its path would be reinstated and failed several
 * times a second. After the second failure in a row the path is left alone, each time for longer.
 */
const FIRST_BACKOFF_MS = 500
const MAX_BACKOFF_MS = 10_000
/** A failure counts as consecutive if it follows within this time. */
const IN_A_ROW_MS = 60_000

/** Refusals after which the agent searches for the volume under another LUN. */
const ELSEWHERE: ReadonlySet<Refusal> = new Set(['foreign', 'absent'])

export const NO_ATTEMPT: ReturnAttempt = {
  isBusy: false,
  nextMs: 0,
  waitsSinceMs: null,
  waitsForIscsid: false,
  upSinceMs: null,
  searchesLuns: false,
  begunMs: null,
  waitsForWitness: false,
  logOutAfterMs: 0,
}

/** The next steps of the returns of several paths, and when to look again. */
export interface PathReturns extends Pick<HoldPlan, 'probes' | 'lookAtMs'>, Pick<HoldMemory, 'attempts'> {
  readonly steps: readonly StepOf<'return' | 'say'>[]
}

/**
 * Brings paths back, all at the same time.
 * @param known the attempts so far
 * @param inTable whether the map has a path
 */
export function planReturns(
  facts: HoldFacts,
  portals: readonly PortalFacts[],
  known: HoldMemory['attempts'],
  inTable: (path: HeldPath) => boolean,
): PathReturns {
  const plans = portals.map((one) => ({
    portal: one.portal,
    ...planReturn(facts, one, known.get(one.portal) ?? NO_ATTEMPT, inTable),
  }))
  return {
    steps: plans.flatMap(({ portal, step, why }) => [
      ...(step ? [step] : []),
      ...(why === null ? [] : [say(why, portal)]),
    ]),
    attempts: new Map(plans.map(({ portal, attempt }) => [portal, attempt])),
    probes: plans.flatMap(({ portal, attempt, needsProbe }) =>
      needsProbe ? [{ portal, sinceMs: attempt.waitsSinceMs ?? facts.nowMs }] : [],
    ),
    lookAtMs: Math.min(...plans.map(({ attempt: { nextMs } }) => (nextMs > 0 ? nextMs : Infinity))),
  }
}

/** The next step of a path's return, and what to log. */
interface ReturnPlan {
  readonly attempt: ReturnAttempt
  readonly step: StepOf<'return'> | null
  /** Why it waits; written to the log. */
  readonly why: string | null
  /** Probe the portal: does its target accept logins? */
  readonly needsProbe: boolean
}

function planReturn(
  facts: HoldFacts,
  { portal, session, probe }: PortalFacts,
  before: ReturnAttempt,
  inTable: (path: HeldPath) => boolean,
): ReturnPlan {
  const { nowMs } = facts
  const isUp = session?.state === 'LOGGED_IN'
  const isDue =
    nowMs >= before.nextMs || (isUp && before.waitsForIscsid) || isWitnessBack(facts.witnessBackMs, before)
  const idle = { step: null, why: null, needsProbe: false }
  if (before.isBusy || !isDue) return { attempt: before, ...idle, needsProbe: before.waitsForIscsid && !isUp }
  // Times noted in the session's previous state do not apply to its present state.
  const attempt = {
    ...before,
    waitsForIscsid: false,
    waitsForWitness: false,
    ...(isUp ? { waitsSinceMs: null } : { upSinceMs: null }),
  }
  const found = facts.paths.find(({ sid }) => sid === session?.sid) ?? null
  if (isUp) {
    const upSinceMs = attempt.upSinceMs ?? nowMs
    if (found && inTable(found) && BLOCKED.has(found.diskState) && nowMs <= upSinceMs + UNBLOCK_MS)
      return { attempt: { ...attempt, upSinceMs, nextMs: nowMs + UNBLOCK_LOOK_MS }, ...idle }
  } else {
    const waitsSinceMs = attempt.waitsSinceMs ?? nowMs
    const openMs = openSince(probe, waitsSinceMs)
    // The next look follows when the portal opens.
    if (openMs === null) {
      const waiting = { ...attempt, waitsSinceMs, nextMs: 0 }
      const why = probe?.closed ?? null
      if (why === null || nowMs < attempt.logOutAfterMs || !facts.isReady || !endsEarly(session))
        return { attempt: waiting, step: null, why, needsProbe: true }
      const step = { kind: 'return', portal, path: null, steps: ['log-out'] } as const
      return { attempt: { ...waiting, isBusy: true, begunMs: nowMs }, step, why, needsProbe: false }
    }
    const newLoginMs = openMs + RELOGIN_WAIT_MS
    if (session && !isReplaceable(session) && nowMs < newLoginMs)
      return {
        attempt: { ...attempt, waitsSinceMs, waitsForIscsid: true, nextMs: newLoginMs },
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
  return {
    attempt: { ...attempt, isBusy: true, nextMs: 0, begunMs: nowMs },
    step,
    why: null,
    needsProbe: false,
  }
}

/**
 * No I/O goes through a path before its disk has proved, over its present connection, that it is the volume. A path
 * in the map's table needs nothing else; any other path is created. A lost session is logged out first, as soon as
 * its target is known to be away: hold maps keep the I/O of its volumes, and a new login is faster than iscsid's
 * own recovery.
 */
function stepsOf(isKnown: boolean, isUp: boolean): readonly ReturnStep[] {
  if (isKnown) return ['verify', 'reinstate']
  return [...(isUp ? [] : (['log-out'] as const)), 'make-path', 'verify', 'load-table']
}

/**
 * Since when the target has accepted logins, counting only probes sent after this path was lost. An older answer
 * says nothing about the present, and a login to a target that has just gone away blocks for 15 s.
 */
function openSince(probe: ProbeResult | null, waitsSinceMs: number): number | null {
  if (probe === null || probe.openSinceMs === null || probe.confirmedMs < waitsSinceMs) return null
  return Math.max(probe.openSinceMs, waitsSinceMs)
}

/**
 * Whether to end a lost session instead of recovering it: only hold maps use it, and its few disks are recreated
 * quickly.
 */
function isReplaceable({ disks, isAllHeld }: PortalSession): boolean {
  return disks !== null && disks <= FAST_LOGIN_MAX_DISKS && isAllHeld === true
}

/** Whether a lost session is ended while its target is away. One without disks may be another program's login. */
function endsEarly(session: PortalSession | null): boolean {
  return session !== null && session.isOurs && session.disks !== 0 && isReplaceable(session)
}

/** The attempt after a lost session could not be logged out while its target is away. */
export function afterKept(attempt: ReturnAttempt, nowMs: number): ReturnAttempt {
  return { ...attempt, isBusy: false, logOutAfterMs: nowMs + LOG_OUT_RETRY_MS }
}

/** The attempt after a return that was refused. @param in.isAsking nothing was to go through the path */
export function afterRefusal(
  attempt: ReturnAttempt,
  {
    cause,
    foundHere,
    isAsking,
  }: { readonly cause: Refusal; readonly foundHere: boolean; readonly isAsking: boolean },
  nowMs: number,
): ReturnAttempt {
  const isElsewhere = ELSEWHERE.has(cause)
  // No LUN is searched for; a disk would be made at each try.
  if (isElsewhere && isAsking) return { ...NO_ATTEMPT, nextMs: nowMs + ASK_AGAIN_MS }
  const hasSearched = attempt.searchesLuns && !foundHere
  // The first search begins at once: the volume may simply have moved to another LUN.
  const pause = isElsewhere
    ? hasSearched
      ? LONG_RETRY_MS
      : 0
    : cause === 'unknown' || cause === 'short'
      ? LONG_RETRY_MS
      : RETRY_MS
  return {
    ...NO_ATTEMPT,
    nextMs: nowMs + pause,
    searchesLuns: isElsewhere || hasSearched,
    begunMs: attempt.begunMs,
    waitsForWitness: cause === 'unknown',
  }
}

/** Whether the source that did not answer the last attempt has become available since that attempt began. */
function isWitnessBack(backMs: number | null, { waitsForWitness, begunMs }: ReturnAttempt): boolean {
  return waitsForWitness && backMs !== null && begunMs !== null && backMs > begunMs
}

export interface FailedIo {
  readonly ioFailures: HoldMemory['ioFailures']
  readonly said: readonly StepOf<'say'>[]
}

/**
 * Notices paths that the kernel has failed although their target answers. They carried I/O at the last look, or
 * were brought back since.
 * @param in.isActive whether the kernel uses the path; false if a table without it was loaded for another path
 * meanwhile
 * @param in.isFailed whether the kernel has failed it
 */
export function noticeFailedIo(
  { nowMs, paths }: HoldFacts,
  { ioFailures, carrying, broughtBack }: HoldMemory,
  { isActive, isFailed }: Record<'isActive' | 'isFailed', (path: HeldPath) => boolean>,
): FailedIo {
  const failed = paths.filter(
    (path) =>
      isUsable(path) &&
      ((carrying.includes(path.devno) && !isActive(path)) ||
        (broughtBack.includes(path.devno) && isFailed(path))),
  )
  if (failed.length === 0) return { ioFailures, said: [] }
  const after = new Map(ioFailures)
  const said = failed.map(({ sid, disk }) => {
    const now = nextFailure(after.get(sid), nowMs)
    after.set(sid, now)
    const pause = (now.untilMs - nowMs) / 1000
    return {
      kind: 'say' as const,
      about: 'io',
      text: `the target answers, but I/O through ${disk} failed${pause > 0 ? `; retrying in ${pause} s` : ''}`,
    }
  })
  return { ioFailures: after, said }
}

function nextFailure(before: IoFailures | undefined, nowMs: number): IoFailures {
  const count = before && nowMs - before.lastMs < IN_A_ROW_MS ? before.count + 1 : 1
  const pause = count < 2 ? 0 : Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 2))
  return { count, lastMs: nowMs, untilMs: nowMs + pause }
}
