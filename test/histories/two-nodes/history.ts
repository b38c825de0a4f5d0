import type { Each } from '../history.ts'
import { Random } from '../random.ts'

export const NODES = ['a', 'b'] as const
export type NodeName = (typeof NODES)[number]

/** The conditions of a history, all determined by its seed. */
export interface Settings {
  readonly content: 'raw' | 'ext4'
  readonly portals: 1 | 2
  /** Whether the target accepts every initiator, or has an entry for each. */
  readonly acls: 'dynamic' | 'explicit'
  /** Whether the target keeps registrations over its own restart (APTPL). */
  readonly keeps: boolean
}

export function settingsOf(seed: number): Settings {
  const random = new Random(seed * 7919 + 17)
  return {
    content: random.pick(['raw', 'ext4'])!,
    portals: random.pick([1, 2])!,
    acls: random.pick(['dynamic', 'explicit'])!,
    keeps: random.chance(0.5),
  }
}

/** One operation or fault, with everything that was chosen at random. */
export type TwoNodesOperation =
  // what a user or an orchestrator does
  | {
      readonly kind: 'attach'
      readonly node: NodeName
      readonly takeOver: boolean
      /** Kills the command this many milliseconds after its start. */
      readonly diesAfterMs?: number
    }
  /** Both nodes attach at the same moment. */
  | { readonly kind: 'race'; readonly takeOver: boolean }
  | {
      readonly kind: 'detach'
      readonly node: NodeName
      readonly force: boolean
      readonly diesAfterMs?: number
    }
  | {
      readonly kind: 'write'
      readonly node: NodeName
      readonly blocks: readonly number[]
      /** `sync`: each write is followed by fsync; `dirty`: none is. */
      readonly how: 'sync' | 'dirty'
    }
  | { readonly kind: 'read'; readonly node: NodeName; readonly blocks: readonly number[] }
  | { readonly kind: 'wait'; readonly ms: number }
  // what happens to a node
  | Each<'cut' | 'join' | 'pause' | 'resume', { readonly node: NodeName }>
  | Each<'agent-kill' | 'agent-start' | 'logout', { readonly node: NodeName }>
  /** Power is lost and comes back, for one node or for both at once. */
  | { readonly kind: 'reboot'; readonly nodes: readonly NodeName[] }
  // what happens to the target
  | Each<
      'target-down' | 'target-up' | 'target-restart' | 'target-move' | 'remap' | 'portal-down' | 'portal-up'
    >

export type TwoNodesKind = TwoNodesOperation['kind']
