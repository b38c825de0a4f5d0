import type { HoldNote } from '../hold-note.ts'
import type { HeldPath, HoldFacts } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import type { HoldStep } from './hold-steps.ts'
import type { HoldMapState } from './table.ts'

// Plans for a volume that was given up. They are the same whether the agent, its session or multipathd held it.

/** Between two attempts to attach a misplaced volume again. */
const REATTACH_INTERVAL_MS = 5_000
/** How often the agent looks at a volume that another node owns: a user may take it back. */
const FENCED_LOOK_INTERVAL_MS = 20_000

/** A plan with nothing to do and nothing to ask. */
export const QUIET = {
  isSettled: false,
  isRestoring: false,
  reactsToChanges: true,
  probes: [],
  checks: [],
  ask: null,
} as const

/** The plan for a volume that cannot be judged yet. */
export const LOOKING = { ...QUIET, state: 'failed' } as const

/**
 * The file system of a misplaced or fenced volume must not write out its dirty pages any more: the volume gets no
 * path until it is unmounted. A misplaced volume is then attached again. A fenced volume belongs to another node,
 * and is not taken back.
 */
export function planGivenUp(
  facts: HoldFacts & { readonly note: HoldNote & { readonly kind: 'misplaced' | 'fenced' } },
  before: HoldMemory,
  taken: readonly HoldStep[],
  lookAtMs: number,
): HoldPlan {
  const { nowMs, note, isOrchestrated } = facts
  const memory: HoldMemory = {
    ...before,
    carrying: [],
    broughtBack: [],
    verified: new Map(),
    attempts: new Map(),
    returnedMs: null,
  }
  const plan = { ...LOOKING, state: note.kind, memory, lookAtMs, isRestoring: memory.isAttaching }
  if (!note.isClear) {
    const steps: HoldStep[] = [...taken, ...stopped(facts)]
    if (!memory.isClearing) steps.push({ kind: 'clear' })
    // Last: a disk that cannot be removed keeps the volume mounted no longer.
    steps.push(...dropped(facts, note))
    return { ...plan, memory: { ...memory, isClearing: true }, steps }
  }
  // The volume was cleared, so any map or path seen now belongs to an attach in progress: a user takes the volume back from
  // another node.
  if (note.kind === 'fenced') return { ...plan, steps: taken, lookAtMs: nowMs + FENCED_LOOK_INTERVAL_MS }
  // The orchestrator attaches its volumes, on this node or on another.
  if (isOrchestrated || memory.isAttaching || nowMs < memory.reattachMs) return { ...plan, steps: taken }
  return {
    ...plan,
    memory: { ...memory, isAttaching: true, reattachMs: nowMs + REATTACH_INTERVAL_MS },
    steps: [...taken, { kind: 'attach' }],
  }
}

/** Ensures that nothing that the file system of a given-up volume writes reaches a target any more. */
export function stopped({ mode, map, paths }: HoldFacts): HoldStep[] {
  if (mode === 'map') return typeof map === 'object' ? emptied(map) : []
  // Its disks must not take what the kernel would write out later. The first attempt may have failed.
  return paths.map(dropOf)
}

/** Another node owns the volume: no program of this node is to write to the disks that were beneath its map. */
export function dropped({ mode, paths }: HoldFacts, { kind }: Pick<HoldNote, 'kind'>): HoldStep[] {
  return mode === 'map' && kind === 'fenced' ? paths.map(dropOf) : []
}

const dropOf = ({ sid }: HeldPath): HoldStep => ({ kind: 'drop-disk', sid })

/** Fail the paths first, because that is fast. Disable queueing last, because loading the empty table enables it again. */
function emptied({ queueing, paths }: HoldMapState): HoldStep[] {
  const active = paths.filter((path) => path.active)
  return [
    ...active.map(({ devno }) => ({ kind: 'fail', devno }) as const),
    ...(paths.length > 0 ? [{ kind: 'empty-map' } as const] : []),
    ...(queueing || paths.length > 0 ? [{ kind: 'queue', on: false } as const] : []),
  ]
}
