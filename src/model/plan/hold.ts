import type { HoldFacts } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldPlan } from './hold-plan.ts'
import { planDetaching } from './hold-detaching.ts'
import { planHoldMap } from './hold-map.ts'
import { planWatched } from './hold-watched.ts'

/**
 * What to do now for a volume in this state, however it got there: the agent looks, asks for a plan, acts, and
 * looks again. Every decision about a hold is here and in the `hold-*.ts` files beside this one, which do no I/O
 * and read no clock.
 */
export function planHold(facts: HoldFacts, memory: HoldMemory): HoldPlan {
  if (!facts.isReady) return planDetaching(facts, memory)
  return facts.mode === 'map' ? planHoldMap(facts, memory) : planWatched(facts, memory)
}
