import type { FindingCode } from '../../doctor/codes.ts'
import type { Finding } from '../../doctor/finding.ts'
import type { SessionStatus, VolumeStatus } from '../../model/attachment.ts'
import type { VolumeMount } from '../../model/volume-mount.ts'

/** What the observer reads of the node. Each part is one JSON document. */
export interface Parts {
  readonly volumes: readonly VolumeStatus[]
  readonly sessions: readonly SessionStatus[]
  readonly mounts: readonly VolumeMount[]
  readonly findings: readonly Finding[]
}

export type PartName = keyof Parts

export const PART_NAMES = ['volumes', 'sessions', 'mounts', 'findings'] as const satisfies readonly PartName[]

/** A change that a client with a token may request. */
export type ChangeRequest =
  | { readonly kind: 'hold'; readonly volume: string; readonly wanted: string }
  | { readonly kind: 'give-up'; readonly volume: string }
  | { readonly kind: 'fix'; readonly dryRun: boolean; readonly code: FindingCode | null }

/** Messages from the agent to the observer. `start` is sent once, first. */
export type ToObserver =
  | {
      readonly kind: 'start'
      readonly records: string
      readonly runtime: string
      readonly hostRoot: string | null
    }
  | { readonly kind: 'change'; readonly id: number; readonly change: ChangeRequest }

/** Why a change failed: the fields of a LunkeeperError. */
export interface ChangeError {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/**
 * Messages from the observer to the agent. The observer makes the JSON, to keep that work out of the agent's event
 * loop.
 */
export type FromObserver =
  /** The node was read. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'part'; readonly name: PartName; readonly json: string }
  | { readonly kind: 'done'; readonly id: number; readonly json: string }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ChangeError }
