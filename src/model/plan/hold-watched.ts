import type { HoldNote } from '../hold-note.ts'
import type { Hold } from '../hold.ts'
import type { HeldPath, HoldFacts } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import type { HoldStep } from './hold-steps.ts'
import { isUsable } from './hold-facts.ts'
import { planGivenUp, QUIET } from './hold-given-up.ts'
import { takeResults } from './hold-results.ts'
import type { OutagePlan } from './hold-outage.ts'
import { after, beginOutage, endOutage, resume, isGivenUp, voidRecovery } from './hold-outage.ts'
import { heldFor, isSameDeadline } from './hold-search.ts'
import { stateOfHold } from './hold-state.ts'

/** During an outage; with many volumes, the agent looks at each less often. */
const LOOK_INTERVAL_MS = 2_000
const LOOK_INTERVAL_EACH_MS = 40
/** When to look again if the session is back, but its disk is not. */
const APPEAR_MS = 300
/** How long multipathd may take to apply a change of the record: it rereads its whole configuration. */
const SETTLE_MS = 15_000
/** Without an outage. Watched attributes show most changes, but a user may have logged in again. */
const ROUND_MS = 20_000

/**
 * The next steps for a volume that its session or multipathd holds. These end its hold and bring it back. The agent
 * observes, records, and remounts a broken file system.
 */
export function planWatched(facts: HoldFacts, before: HoldMemory): HoldPlan {
  const { nowMs } = facts
  const { note, memory, steps } = takeResults(facts, before)
  if (isGivenUp(note)) return planGivenUp({ ...facts, note }, memory, steps, nowMs + LOOK_INTERVAL_MS)
  const unasked = { ...QUIET, memory: before, state: stateOfHold(facts.note) ?? 'ready', steps: [] } as const
  const fate = fateOf({ ...facts, note }, memory)
  if (fate === null) return { ...unasked, lookAtMs: nowMs, ask: 'is-queueing' }
  const lookAtMs = nextLook({ ...facts, note }, memory, fate)
  const plan = { ...QUIET, lookAtMs, state: stateOfHold(note) ?? 'ready' }
  if (fate === 'none') return { ...plan, memory, steps }
  if (fate === 'carried') return planCarried({ ...facts, note }, memory, steps)
  const outage =
    fate === 'waits' ? planWaiting({ ...facts, note }, memory) : planFailed({ ...facts, note }, memory)
  if (outage === 'is-queueing' || outage === 'multipathd') return { ...unasked, lookAtMs: nowMs, ask: outage }
  return {
    ...plan,
    state: stateOfHold(outage.note) ?? 'failed',
    memory: outage.memory,
    steps: [...steps, ...outage.steps],
  }
}

/** What happens to a volume's I/O now. `none`: the volume is not on this node. */
type Fate = 'carried' | 'waits' | 'failed' | 'none'

/** @returns null if the kernel must be asked first */
function fateOf({ paths, note, held }: HoldFacts, { wasHere }: HoldMemory): Fate | null {
  const isKnown = wasHere || note !== null
  if (held.isReplaced && !isKnown) return 'none'
  if (held.isReplaced) return (note?.ended ?? null) === null ? 'failed' : 'carried'
  if (paths.some(isUsable)) return 'carried'
  // There is no note, but the session is back: the volume is being attached after a reboot.
  if (!isKnown && ((paths.length === 0 && !held.hasMap) || paths.some(isLoggedIn))) return 'none'
  if (paths.some(isBlocked)) return 'waits'
  if (!held.hasMap) return 'failed'
  return held.isQueueing === null ? null : held.isQueueing ? 'waits' : 'failed'
}

function nextLook({ nowMs, paths, note, held, volumes }: HoldFacts, memory: HoldMemory, fate: Fate): number {
  const isKnown = memory.wasHere || note !== null
  if (fate === 'none' && !isKnown && isGone({ paths, held })) return nowMs + ROUND_MS
  const interval = Math.max(LOOK_INTERVAL_MS, LOOK_INTERVAL_EACH_MS * volumes)
  return nowMs + (paths.some(isLoggedIn) ? APPEAR_MS : interval)
}

function planCarried(facts: HoldFacts, before: HoldMemory, taken: readonly HoldStep[]): HoldPlan {
  const { nowMs, held, note, paths } = facts
  const memory: HoldMemory = { ...before, wasHere: true, seen: null }
  const plan = { ...QUIET, checks: paths.filter(isUsable).map(({ sid }) => sid) }
  if (!held.hasDevice)
    return { ...plan, memory, steps: taken, lookAtMs: nowMs + APPEAR_MS, state: stateOfHold(note) ?? 'ready' }
  const outage = resume(facts, memory, note)
  const isOver = outage.note === null
  return {
    ...plan,
    memory: outage.memory,
    steps: [...taken, ...outage.steps],
    lookAtMs: nowMs + (isOver ? ROUND_MS : LOOK_INTERVAL_MS),
    state: stateOfHold(outage.note) ?? 'ready',
    isSettled: isOver,
  }
}

function planFailed(facts: HoldFacts, before: HoldMemory): OutagePlan {
  const memory = { ...before, recovery: voidRecovery(before) }
  const begun = facts.note ? { note: facts.note, memory, steps: [] } : beginOutage(facts, memory, { kept: 0 })
  if (begun.note.ended !== null) return begun
  const ended = isGone(facts)
    ? endOutage(begun.note, begun.memory, 'removed', 'its disk was removed from the node: its I/O fails')
    : endOutage(begun.note, begun.memory, 'deadline', 'no longer held; I/O fails')
  // Record both at once: the hold was over before the agent noticed the outage.
  const said = begun.steps.filter(({ kind }) => kind !== 'record')
  return { ...ended, steps: [...said, ...ended.steps] }
}

/** multipathd may have been given another hold meanwhile. It counts from the moment when its sessions gave up. */
function planWaiting(facts: HoldFacts, before: HoldMemory): OutagePlan | 'is-queueing' | 'multipathd' {
  const { nowMs, wallMs, note, held, paths } = facts
  const blocked = paths.some(isBlocked)
  const was = before.seen
  const seen = {
    revision: held.revision,
    isBlocked: blocked,
    recordChangedMs: was && was.revision !== held.revision ? nowMs : (was?.recordChangedMs ?? -Infinity),
    sessionsChangedMs: was && was.isBlocked !== blocked ? nowMs : (was?.sessionsChangedMs ?? -Infinity),
  }
  const memory = { ...before, seen }
  if (note === null) {
    const kept = keptFor(facts)
    return kept === null ? 'multipathd' : beginOutage(facts, memory, { kept })
  }
  if (!held.hasMap) return { note, memory, steps: [] }
  const isRecent = (changedMs: number) => nowMs - changedMs < SETTLE_MS
  // A volume that was given up holds I/O again only if another hold was set since.
  if (note.ended !== null) {
    if (!isRecent(seen.recordChangedMs)) return { note, memory, steps: [] }
    if (held.isQueueing === null) return 'is-queueing'
    if (!held.isQueueing) return { note, memory, steps: [] }
  } else if (!isRecent(Math.max(seen.recordChangedMs, seen.sessionsChangedMs)))
    return { note, memory, steps: [] }
  const kept = keptFor(facts)
  if (kept === null) return 'multipathd'
  const deadline = after(wallMs, kept)
  if (note.ended === null && isSameDeadline(note.deadline, deadline)) return { note, memory, steps: [] }
  const recounted: HoldNote = { ...note, ended: null, deadline }
  return { note: recounted, memory, steps: [{ kind: 'record', note: recounted }] }
}

/** How much longer I/O is held if nothing changes; null if multipathd must be asked first. */
function keptFor({ paths, held }: HoldFacts): Hold | null {
  if (held.hasMap && held.multipathd === null) return null
  return heldFor(paths.some(isBlocked) ? held.recovery : 0, held.multipathd ?? 0)
}

/** What its users had is no longer there. */
const isGone = ({ paths, held }: Pick<HoldFacts, 'paths' | 'held'>) =>
  held.isReplaced || (paths.length === 0 && !held.hasMap)

const isLoggedIn = ({ sessionState }: HeldPath) => sessionState === 'LOGGED_IN'

/** The kernel holds I/O in a lost session's disk until its timer ends, and for a moment after its return. */
function isBlocked({ sessionState, diskState }: HeldPath): boolean {
  return sessionState === 'FAILED' || (sessionState === 'LOGGED_IN' && diskState === 'blocked')
}
