import type { HoldFacts, HoldMemory } from './hold-facts.ts'

/**
 * Since when the target of a lost volume has been back, by the first sign of it: its portal takes logins, a session is
 * logged in again, a path is there. Null: there is no sign of it. Monotonic milliseconds.
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
