import type { FindingCode } from '../../doctor/codes.ts'
import type { Finding } from '../../doctor/finding.ts'
import type { SessionStatus, VolumeStatus } from '../../model/attachment.ts'
import type { VolumeMount } from '../../model/volume-mount.ts'

/** What the observer reads of the node, each part as one JSON document. */
export interface Parts {
  readonly volumes: readonly VolumeStatus[]
  readonly sessions: readonly SessionStatus[]
  readonly mounts: readonly VolumeMount[]
  readonly findings: readonly Finding[]
}

export type PartName = keyof Parts

export const PART_NAMES = ['volumes', 'sessions', 'mounts', 'findings'] as const satisfies readonly PartName[]

/** The changes that a client with a token may ask for. */
export type Act =
  | { readonly kind: 'hold'; readonly volume: string; readonly wanted: string }
  | { readonly kind: 'give-up'; readonly volume: string }
  | { readonly kind: 'fix'; readonly dryRun: boolean; readonly code: FindingCode | null }

/** From the agent to the observer. `start` comes first, once. */
export type ToObserver =
  | {
      readonly kind: 'start'
      readonly records: string
      readonly runtime: string
      readonly hostRoot: string | null
    }
  | { readonly kind: 'act'; readonly id: number; readonly act: Act }

/** How an act failed: the fields of a LunkeeperError. */
export interface ActError {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** From the observer to the agent. JSON is made here, so that the agent's loop does not make it. */
export type FromObserver =
  /** The node was read, whether it has changed or not. */
  | { readonly kind: 'alive' }
  | { readonly kind: 'part'; readonly name: PartName; readonly json: string }
  | { readonly kind: 'done'; readonly id: number; readonly json: string }
  | { readonly kind: 'failed'; readonly id: number; readonly error: ActError }
