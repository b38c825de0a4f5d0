import type { HoldNote } from '../hold-note.ts'
import type { HoldFacts, HoldMemory, HoldPlan, HoldStep } from './hold-facts.ts'
import type { OutagePlan } from './hold-outage.ts'
import { takeRecovery, takeRefusal } from './hold-outage.ts'
import type { HoldMapState } from './table.ts'

// What a volume has in common whether the agent holds it or its session or multipathd does.

/** Between two tries to attach a misplaced volume again. */
const REATTACH_INTERVAL_MS = 5_000

/** A plan without anything to do or to ask. */
export const QUIET = {
  isSettled: false,
  isRestoring: false,
  heedsChanges: true,
  probes: [],
  checks: [],
  ask: null,
} as const

/** A plan of a volume that cannot be judged yet. */
export const LOOKING = { ...QUIET, state: 'failed' } as const

/** What results of steps have left to record and to say. */
export function takeResults(facts: HoldFacts, before: HoldMemory): OutagePlan {
  const { unsaid } = before
  const recovery = takeRecovery(facts, { ...before, unsaid: [] }, facts.note)
  const refusal = takeRefusal(facts, recovery.memory, recovery.note)
  return { ...refusal, steps: [...unsaid, ...recovery.steps, ...refusal.steps] }
}

/**
 * What the file system of such a volume has in memory is not to be written out any more: no path gets to it until it is
 * unmounted. A misplaced volume is then attached again; a fenced one belongs to another node, and is not taken back.
 */
export function planGivenUp(
  facts: HoldFacts & { readonly note: HoldNote & { readonly kind: 'misplaced' | 'fenced' } },
  before: HoldMemory,
  taken: readonly HoldStep[],
  lookAtMs: number,
): HoldPlan {
  const { nowMs, note, map, isOrchestrated } = facts
  const memory: HoldMemory = {
    ...before,
    carrying: [],
    verified: new Map(),
    attempts: new Map(),
    returnedMs: null,
  }
  const plan = { ...LOOKING, state: note.kind, memory, lookAtMs, isRestoring: memory.isAttaching }
  const isMap = typeof map === 'object'
  if (!note.isClear) {
    const steps: HoldStep[] = [...taken]
    if (isMap) steps.push(...emptied(map))
    if (facts.mode !== 'map')
      // Lost to another node: its own disk must not take what is written out later.
      for (const { sid } of note.kind === 'fenced' ? facts.paths : []) steps.push({ kind: 'drop-disk', sid })
    if (!memory.isClearing) steps.push({ kind: 'clear' })
    return { ...plan, memory: { ...memory, isClearing: true }, steps }
  }
  // Once it is clear, a map of it, or a path under its map, is that of an attach that is on its way: a user who takes the
  // volume back from another node.
  if (note.kind === 'fenced') return { ...plan, steps: taken, lookAtMs: Infinity }
  // An orchestrator asks for the volume itself, on this node or on another.
  if (isOrchestrated || memory.isAttaching || nowMs < memory.reattachMs) return { ...plan, steps: taken }
  return {
    ...plan,
    memory: { ...memory, isAttaching: true, reattachMs: nowMs + REATTACH_INTERVAL_MS },
    steps: [...taken, { kind: 'attach' }],
  }
}

/** Failed first, which is quick; at the end the map fails I/O: the table that empties it makes it queue. */
function emptied({ queueing, paths }: HoldMapState): HoldStep[] {
  const active = paths.filter((path) => path.active)
  return [
    ...active.map(({ devno }) => ({ kind: 'fail', devno }) as const),
    ...(paths.length > 0 ? [{ kind: 'empty-map' } as const] : []),
    ...(queueing || paths.length > 0 ? [{ kind: 'queue', on: false } as const] : []),
  ]
}
