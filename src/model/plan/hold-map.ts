import { holdEnd } from './hold-deadline.ts'
import type { HeldPath, HoldFacts, PortalFacts } from './hold-facts.ts'
import type { HoldMemory, ReturnAttempt, Verified } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import type { HoldStep } from './hold-steps.ts'
import { isUsable } from './hold-facts.ts'
import { LOOKING, planGivenUp } from './hold-given-up.ts'
import { takeResults } from './hold-results.ts'
import type { OutagePlan } from './hold-outage.ts'
import {
  beginOutage,
  endOutage,
  goesThrough,
  resume,
  isGivenUp,
  sinceMsOf,
  voidRecovery,
} from './hold-outage.ts'
import type { PathReturns } from './hold-path.ts'
import { noticeFailedIo, planReturns } from './hold-path.ts'
import { DISCOVERY_AFTER_MS } from './hold-search.ts'
import { stateOfHold } from './hold-state.ts'
import type { HoldMapState } from './table.ts'

/**
 * How often to re-read a volume during an outage even if no change was detected. The interval grows with the number of
 * volumes, because each read takes milliseconds that recovery needs.
 */
const LOOK_INTERVAL_MS = 1_000
const LOOK_INTERVAL_EACH_MS = 40
const MAX_LOOK_INTERVAL_MS = 4_000
/** When to look at a map that was just created. */
const APPEAR_MS = 300
/** While it is not known yet whether I/O passes through a path that returned. */
const TRIAL_LOOK_MS = 50
/** The next steps for a volume on a hold map. */
export function planHoldMap(facts: HoldFacts, before: HoldMemory): HoldPlan {
  const { nowMs, map, volumes } = facts
  const lookAtMs =
    nowMs + Math.min(MAX_LOOK_INTERVAL_MS, Math.max(LOOK_INTERVAL_MS, LOOK_INTERVAL_EACH_MS * volumes))
  const { note, memory, steps } = takeResults(facts, before)
  // The map was created after the maps were read.
  if (map === 'unread')
    return { ...LOOKING, state: stateOfHold(note) ?? 'ready', memory, steps, lookAtMs: nowMs + APPEAR_MS }
  if (isGivenUp(note)) return planGivenUp({ ...facts, note }, memory, steps, lookAtMs)
  if (map === 'absent') return planAbsent({ nowMs, note }, memory, steps, lookAtMs)
  return planPaths({ ...facts, note, map }, memory, steps, lookAtMs)
}

/** The map is gone, most often because of a reboot: the volume is attached again. */
function planAbsent(
  { nowMs, note }: Pick<HoldFacts, 'nowMs' | 'note'>,
  memory: HoldMemory,
  steps: readonly HoldStep[],
  lookAtMs: number,
): HoldPlan {
  const isDue = !memory.isAttaching && nowMs >= memory.reattachMs
  const attach = isDue ? [{ kind: 'attach' } as const] : []
  return {
    ...LOOKING,
    state: stateOfHold(note) ?? 'failed',
    memory: { ...memory, isAttaching: memory.isAttaching || isDue, carrying: [], broughtBack: [] },
    steps: [...steps, ...attach],
    lookAtMs,
    isRestoring: true,
  }
}

function planPaths(
  facts: HoldFacts & { readonly map: HoldMapState },
  before: HoldMemory,
  taken: readonly HoldStep[],
  lookLaterMs: number,
): HoldPlan {
  const { nowMs, map, paths, portals } = facts
  const inTable = (path: HeldPath) => map.paths.some(({ devno }) => devno === path.devno)
  const isActive = (path: HeldPath) => map.paths.some(({ devno, active }) => active && devno === path.devno)
  const isFailed = (path: HeldPath) => inTable(path) && !isActive(path)
  const failedIo = noticeFailedIo(facts, before, { isActive, isFailed })
  const verified = forgetGone(before.verified, portals, paths)
  const ioFailures = forgetGone(failedIo.ioFailures, portals, paths)
  const steps: HoldStep[] = [...taken, ...failedIo.said]

  // Another program or an earlier agent added this path to the map: it carries I/O while the agent asks which
  // volume it is.
  for (const path of paths) {
    if (!isActive(path) || !isUsable(path) || !isToBeAsked(path, verified)) continue
    verified.set(path.sid, { kind: 'asking', connection: path.connection })
    const { sid, connection, disk, devno } = path
    steps.push({ kind: 'verify', sid, connection, disk, devno })
  }
  const carrying = paths.filter((path) => isActive(path) && isUsable(path) && isVerified(path, verified))
  const isLost = carrying.length === 0
  const lostSinceMs = isLost ? (before.lostSinceMs ?? nowMs) : null
  const memory: HoldMemory = {
    ...before,
    verified,
    ioFailures,
    carrying: carrying.map(({ devno }) => devno),
    broughtBack: [],
    lostSinceMs,
  }

  const outage = isLost
    ? planLost(
        facts,
        memory,
        failedIo.said.length > 0 || paths.some((path) => isUsable(path) && isFailed(path)),
      )
    : planCarried(
        facts,
        memory,
        carrying.some(({ devno }) => before.carrying.includes(devno)),
      )
  steps.push(...outage.steps)
  // The kernel fails a path only when its I/O fails. It would use an idle path again, no matter which volume
  // answers there.
  for (const { devno, active } of map.paths)
    if (active && !memory.carrying.includes(devno)) steps.push({ kind: 'fail', devno })
  steps.push(...outage.last)
  const missing = planMissing(facts, outage.memory, carrying, inTable)
  steps.push(...missing.steps)

  let lookAtMs = Math.min(lookLaterMs, missing.lookAtMs, outage.lookAtMs)
  if (lostSinceMs !== null)
    if (nowMs >= lostSinceMs + DISCOVERY_AFTER_MS) steps.push({ kind: 'search-portal' })
    else lookAtMs = Math.min(lookAtMs, lostSinceMs + DISCOVERY_AFTER_MS)
  const isAsking = carrying.some(({ sid }) => verified.get(sid)?.kind === 'asking')
  const isSettled = !isLost && outage.note === null && missing.isWhole && !isAsking
  const attempts = isSettled ? new Map<string, ReturnAttempt>() : missing.attempts
  return {
    steps,
    memory: { ...outage.memory, attempts },
    lookAtMs: isSettled ? Infinity : lookAtMs,
    state: stateOfHold(outage.note) ?? 'ready',
    isSettled,
    isRestoring: memory.isAttaching,
    // No path carries I/O, and the agent already tries each portal: another look would only delay that.
    reactsToChanges: !isLost || attempts.size === 0 || [...attempts.values()].some(({ isBusy }) => !isBusy),
    probes: missing.probes,
    checks: carrying.map(({ sid }) => sid),
    ask: outage.ask,
  }
}

type LastingOutage = OutagePlan & {
  /** Steps to do after the lost paths have been failed. */
  readonly last: readonly HoldStep[]
  readonly lookAtMs: number
  readonly ask: 'map' | null
}

/** No path carries I/O: the map holds it until the deadline. */
function planLost(
  facts: HoldFacts & { readonly map: HoldMapState },
  before: HoldMemory,
  failedIo: boolean,
): LastingOutage {
  const { nowMs, wanted, shutdown, map, io } = facts
  const memory: HoldMemory = {
    ...before,
    completed: before.completed ?? io?.completed ?? null,
    returnedMs: null,
    recovery: voidRecovery(before),
  }
  const begun = facts.note
    ? { note: facts.note, memory, steps: [] }
    : beginOutage(facts, memory, { failedIo })
  const end = holdEnd(begun.note, wanted, shutdown)
  const deadlineMs = end === null ? Infinity : sinceMsOf(begun.note, facts) + end.afterMs
  const isOver = begun.note.ended === null && nowMs >= deadlineMs
  const ended =
    !isOver || end === null
      ? { note: begun.note, steps: [] }
      : end.by === 'shutdown'
        ? endOutage(begun.note, memory, 'give-up', 'the machine is shutting down: held I/O fails now')
        : endOutage(begun.note, memory, 'deadline', `the hold of ${wanted} s is over: held I/O fails now`)
  const isHeld = ended.note.ended === null
  // Enable queueing before failing paths, and disable it after: a map that fails I/O must never get I/O that is to
  // be held.
  const on: HoldStep[] = isHeld && !map.queueing ? [{ kind: 'queue', on: true }] : []
  const off: HoldStep[] = !isHeld && map.queueing ? [{ kind: 'queue', on: false }] : []
  return {
    note: ended.note,
    memory: begun.memory,
    steps: [{ kind: 'warm-up' }, ...begun.steps, ...ended.steps, ...on],
    last: off,
    lookAtMs: isHeld ? deadlineMs : Infinity,
    ask: null,
  }
}

/** A path carries I/O, again or still. @param isSame the same path as at the last look; each new path gets its own trial */
function planCarried(
  facts: HoldFacts & { readonly map: HoldMapState },
  before: HoldMemory,
  isSame: boolean,
): LastingOutage {
  const { nowMs, note, map } = facts
  const on: HoldStep[] = map.queueing ? [] : [{ kind: 'queue', on: true }]
  if (note?.ended === null) {
    const knownMs = isSame ? before.returnedMs : null
    const returnedMs = knownMs ?? nowMs
    const memory = { ...before, returnedMs }
    const trial = { note, memory, steps: on, last: [], lookAtMs: nowMs + TRIAL_LOOK_MS, ask: null }
    if (knownMs === null || !goesThrough(facts, memory)) return trial
    // The kernel may have failed the path again without the agent receiving its event. The hold must not restart
    // from 0 then.
    if (facts.mapReadMs <= returnedMs) return { ...trial, ask: 'map' }
  }
  const after = resume(facts, before, note)
  const { isBusy, nextMs } = after.memory.recovery
  const isWaiting = after.note !== null && !isBusy
  const steps = [...on, ...after.steps]
  return { ...after, steps, last: [], lookAtMs: isWaiting ? nextMs : Infinity, ask: null }
}

interface Missing extends PathReturns {
  readonly isWhole: boolean
}

/** Brings back the path of every portal that carries no I/O, all at the same time. */
function planMissing(
  facts: HoldFacts,
  { attempts: known, ioFailures }: HoldMemory,
  carrying: readonly HeldPath[],
  inTable: (path: HeldPath) => boolean,
): Missing {
  const missing = facts.portals.filter(({ portal }) => !carrying.some((path) => path.portal === portal))
  const leftAloneUntilMs = ({ session }: PortalFacts) =>
    session ? (ioFailures.get(session.sid)?.untilMs ?? 0) : 0
  const [later, due] = [true, false].map((isLater) =>
    missing.filter((one) => leftAloneUntilMs(one) > facts.nowMs === isLater),
  ) as [PortalFacts[], PortalFacts[]]
  const returns = planReturns(facts, due, known, inTable)
  return {
    ...returns,
    attempts: new Map([...known, ...returns.attempts]),
    lookAtMs: Math.min(returns.lookAtMs, ...later.map(leftAloneUntilMs)),
    isWhole: missing.length === 0,
  }
}

/** Whether the path was proven over its present connection, or is being asked for the first time. */
function isVerified({ sid, connection }: HeldPath, verified: ReadonlyMap<number, Verified>): boolean {
  const known = verified.get(sid)
  return known !== undefined && known.kind !== 'refused' && known.connection === connection
}

/** A path whose session reconnected after it was asked counts as lost until it has answered again. */
function isToBeAsked({ sid, connection }: HeldPath, verified: ReadonlyMap<number, Verified>): boolean {
  const known = verified.get(sid)
  return known === undefined || (known.kind === 'refused' && known.connection !== connection)
}

/** Drops what is known of sessions that are gone: the kernel does not reuse session ids. */
function forgetGone<T>(
  known: ReadonlyMap<number, T>,
  portals: HoldFacts['portals'],
  paths: HoldFacts['paths'],
): Map<number, T> {
  const present = new Set([
    ...paths.map(({ sid }) => sid),
    ...portals.flatMap(({ session }) => session?.sid ?? []),
  ])
  return new Map([...known].filter(([sid]) => present.has(sid)))
}

/** Whether the kernel uses a settled map as planned: a user or program may have changed it. */
export function isAsPlanned({ carrying }: HoldMemory, state: HoldMapState | undefined): boolean {
  const isActive = (wanted: string) => state?.paths.some(({ devno, active }) => active && devno === wanted)
  return state?.queueing === true && carrying.every(isActive)
}
