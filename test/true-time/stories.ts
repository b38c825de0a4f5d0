import { Random } from '../histories/random.ts'

/**
 * How two nodes come to believe that a volume is theirs. `rollout`: the second node is started while the first one
 * writes. `network`: the first node is cut off. `link`: the same, and its volume is being detached meanwhile.
 * `pause`: the first node is stopped, like a paused virtual machine, and is resumed.
 */
export type StoryKind = 'rollout' | 'network' | 'link' | 'pause'

/** One volume that moves from a node that holds it to another node. Times are milliseconds. */
export interface Story {
  readonly seed: number
  readonly kind: StoryKind
  readonly content: 'ext4' | 'xfs' | 'raw'
  /** Whether the target has persistent reservations. Without them, only a mark of the file system shows the new owner. */
  readonly reservations: boolean
  /** How long the first node writes before the story begins. */
  readonly writing: number
  /** Between the beginning and the take-over. */
  readonly away: number
  /** When the first node comes back, after the take-over has begun; null: once the new owner has written. */
  readonly back: number | null
  /** When the first node's agent is killed, counted from the beginning; it is restarted when the node returns. */
  readonly agentDies: number | null
  /** When the first node's `detach` is killed; for a `link` only. */
  readonly detachDies: number | null
}

/**
 * The kernel notices a silent target after 5 + 5 s. Until then a connection sends what was in flight once the network is
 * back. Only reservations make the target refuse that (docs/ownership.md, "Known limitations").
 */
const LOST_MS = 14_000

/** The story of a seed: always the same one. */
export function storyOf(seed: number): Story {
  const random = new Random(seed)
  const oneOf = <T>(...all: readonly T[]): T => random.pick(all)!
  // Without reservations nothing stops a node that was never cut off, and a node that returns before the new owner
  // has mounted the volume finds no mark (docs/data-safety.md).
  const reservations = random.chance(0.75)
  const kind = reservations
    ? oneOf<StoryKind>('rollout', 'network', 'link', 'pause')
    : oneOf<StoryKind>('network', 'link')
  return {
    seed,
    kind,
    reservations,
    content: reservations ? oneOf('ext4', 'xfs', 'raw') : oneOf('ext4', 'xfs'),
    writing: random.between(0, 1500),
    away: reservations ? random.between(0, 8000) : LOST_MS + random.between(0, 8000),
    back: reservations && random.chance(0.5) ? random.between(0, 12_000) : null,
    agentDies: random.chance(0.3) ? random.between(0, 8000) : null,
    detachDies: kind === 'link' ? random.between(0, 15_000) : null,
  }
}

/** For the title of a test. */
export function words({ seed, kind, content, reservations, back, agentDies }: Story): string {
  const guard = reservations ? 'reservations' : 'a mark'
  const returns =
    kind === 'rollout'
      ? ''
      : back === null
        ? ', back after it'
        : `, back ${(back / 1000).toFixed(1)} s into it`
  const dies = agentDies === null ? '' : ', its agent killed'
  return `story ${seed}: ${kind}, ${content}, ${guard}${returns}${dies}`
}
