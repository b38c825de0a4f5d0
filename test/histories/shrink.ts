import type { History, Operation } from './history.ts'
import type { Player } from './player.ts'
import type { Violation } from './violation.ts'

/** A history takes about as many seconds as it has operations. */
const MAX_TRIES = 40

/** Leaves out everything that is not needed for the violation: halves first, then ever smaller parts (Zeller's ddmin). */
export async function shrink(
  player: Player,
  history: History,
  { kind }: Violation,
  say: (line: string) => void,
): Promise<History> {
  let operations = history.operations
  let tries = 0
  for (let parts = 2; operations.length > 1 && tries < MAX_TRIES;) {
    const size = Math.ceil(operations.length / parts)
    let shorter: readonly Operation[] | null = null
    for (let from = 0; from < operations.length && tries < MAX_TRIES && !shorter; from += size) {
      const rest = [...operations.slice(0, from), ...operations.slice(from + size)]
      tries++
      const played = await player.play({ seed: history.seed, operations: rest })
      say(
        `  without ${from + 1} to ${from + size} of ${operations.length}: ${played.violation?.kind ?? 'no violation'}`,
      )
      if (played.violation?.kind === kind) shorter = played.operations
    }
    if (shorter) {
      operations = shorter
      parts = Math.max(2, parts - 1)
    } else if (size === 1) break
    else parts = Math.min(operations.length, parts * 2)
  }
  return { ...history, operations }
}
