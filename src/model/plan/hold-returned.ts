import type { HoldFacts } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'

/**
 * Since when the target of a lost volume has been back, judged by the first sign of it: its portal accepts logins,
 * a session is logged in again, or a path is there. Null: no sign yet. Monotonic milliseconds.
 */
export function returnedSinceMs(
  { portals }: Pick<HoldFacts, 'portals'>,
  { attempts, returnedMs }: Pick<HoldMemory, 'attempts' | 'returnedMs'>,
): number | null {
  const signs = [
    ...portals.map(({ probe }) => probe?.openSinceMs ?? null),
    ...[...attempts.values()].map(({ upSinceMs }) => upSinceMs),
    returnedMs,
  ].filter((ms) => ms !== null)
  return signs.length === 0 ? null : Math.min(...signs)
}
