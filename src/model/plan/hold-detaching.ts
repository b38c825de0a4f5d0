import type { HeldPath, HoldFacts } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import type { HoldStep, ReturnStep } from './hold-steps.ts'
import { isUsable } from './hold-facts.ts'
import { dropped, QUIET, stopped } from './hold-given-up.ts'
import { isGivenUp } from './hold-outage.ts'
import type { PathReturns } from './hold-path.ts'
import { ASK_AGAIN_MS, planReturns } from './hold-path.ts'
import { takeResults } from './hold-results.ts'
import type { HoldMapState } from './table.ts'

/** Changes are normally noticed through the watched attributes, so this look can be rare. */
const ROUND_MS = 20_000
/** While a command is working on the volume: nothing reports that the command was killed. */
const WORKED_ON_MS = 2_000
/** The steps of a path's return that only ask. I/O goes through the path only once a detach has brought it back. */
const ASKS: ReadonlySet<ReturnStep> = new Set(['log-out', 'make-path', 'verify'])

/**
 * The next steps for a volume whose detach has begun. A running detach is left alone: it asks the disks itself
 * before each act that can write. Only if another volume answers while it writes out is its I/O stopped. If the
 * detach was killed or failed, a file system may still be mounted and may write. The agent therefore keeps asking
 * which volume answers and who owns it, and stops I/O that must not go there. Everything else is left to the next
 * detach: no outage begins, no path carries I/O again, and nothing is unmounted or attached.
 */
export function planDetaching(facts: HoldFacts, before: HoldMemory): HoldPlan {
  const { nowMs, mode, map, paths } = facts
  const { note, memory, steps: taken } = takeResults(facts, before)
  const plan = {
    ...QUIET,
    state: isGivenUp(note) ? note.kind : 'detaching',
    memory,
    steps: taken,
    lookAtMs: nowMs + ROUND_MS,
    isSettled: true,
  } as const
  // Certain, and not a doubt: also where a detach is at work.
  if (isGivenUp(note))
    return {
      ...plan,
      steps: note.isClear ? taken : [...taken, ...stopped(facts), ...dropped(facts, note)],
    }
  const usable = paths.filter(isUsable)
  if (facts.isWorkedOn)
    return {
      ...plan,
      memory: { ...memory, verified: new Map() },
      checks: (mode === 'map' ? usable.filter(isActiveIn(map)) : usable).map(({ sid }) => sid),
      lookAtMs: nowMs + WORKED_ON_MS,
    }
  if (mode !== 'map') return { ...plan, checks: usable.map(({ sid }) => sid) }
  return typeof map === 'object' ? planLeft({ ...facts, map }, plan) : plan
}

/** Whether a hold map sends I/O through a path. */
function isActiveIn(map: HoldFacts['map']): (path: HeldPath) => boolean {
  const paths = typeof map === 'object' ? map.paths : []
  return ({ devno }) => paths.some((one) => one.active && one.devno === devno)
}

/** A detach left the volume with its hold map. */
function planLeft(facts: HoldFacts & { readonly map: HoldMapState }, plan: HoldPlan): HoldPlan {
  const { nowMs, map, paths } = facts
  const { memory } = plan
  const usable = paths.filter(isUsable)
  const active = usable.filter(isActiveIn(map))
  /** What is known over the path's present connection. */
  const knownOf = ({ sid, connection }: HeldPath) => {
    const known = memory.verified.get(sid)
    return known?.connection === connection ? known : null
  }
  // A path that carried no I/O at the last look and carries some now was brought back by a command: ask it again.
  const isNew = (path: HeldPath) => knownOf(path)?.kind !== 'asking' && !memory.carrying.includes(path.devno)
  const unasked = active.filter((path) => knownOf(path) === null || isNew(path))
  // The disk did not answer, or did not identify the volume: I/O waits until the next detach has asked.
  const refused = active.filter((path) => !unasked.includes(path) && knownOf(path)?.kind === 'refused')
  const carrying = active.filter((path) => !refused.includes(path))
  const verified = new Map(
    usable.flatMap(({ sid }) => {
      const known = memory.verified.get(sid)
      return known ? [[sid, known]] : []
    }),
  )
  for (const { sid, connection } of unasked) verified.set(sid, { kind: 'asking', connection })
  const hasAnswered = (path: HeldPath) => {
    const known = knownOf(path)
    return known?.kind === 'answered' && nowMs < known.atMs + ASK_AGAIN_MS
  }
  const asked = usable.filter((path) => active.includes(path) || hasAnswered(path))
  const missing = planAsking(facts, memory, asked)
  return {
    ...plan,
    memory: { ...memory, carrying: carrying.map(({ devno }) => devno), verified, attempts: missing.attempts },
    steps: [
      ...plan.steps,
      ...refused.map(({ devno }): HoldStep => ({ kind: 'fail', devno })),
      ...unasked.map(({ sid, connection, disk, devno }): HoldStep => ({
        kind: 'verify',
        sid,
        connection,
        disk,
        devno,
      })),
      ...missing.steps,
    ],
    lookAtMs: Math.min(plan.lookAtMs, missing.lookAtMs),
    isSettled: missing.attempts.size === 0,
    probes: missing.probes,
    checks: carrying.map(({ sid }) => sid),
  }
}

/**
 * Asks which volume answers, and who owns it, through the portals that carry no I/O. If a detach was killed in an
 * outage, there is no other way to find out that its volume was lost.
 * @param asked paths that have been asked over their present connections, or that carry I/O
 */
function planAsking(
  facts: HoldFacts & { readonly map: HoldMapState },
  { attempts: known }: HoldMemory,
  asked: readonly HeldPath[],
): PathReturns {
  const inTable = ({ devno }: HeldPath) => facts.map.paths.some((one) => one.devno === devno)
  const unasked = facts.portals.filter(({ portal }) => !asked.some((path) => path.portal === portal))
  const returns = planReturns(facts, unasked, known, inTable)
  const steps = returns.steps.map((step) =>
    step.kind === 'return' ? { ...step, steps: step.steps.filter((part) => ASKS.has(part)) } : step,
  )
  return { ...returns, steps }
}
