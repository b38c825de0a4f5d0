import type { AttachmentState } from '../attachment.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldStep } from './hold-steps.ts'

/** What to do now, in this order, and when to look again. */
export interface HoldPlan {
  readonly steps: readonly HoldStep[]
  readonly memory: HoldMemory
  /** `Infinity`: only when something changes. */
  readonly lookAtMs: number
  readonly state: AttachmentState
  /** Nothing is left to do. */
  readonly isSettled: boolean
  /** The volume is not on the node, or, after a reboot, not yet. */
  readonly isRestoring: boolean
  /** Whether a change of its sessions or disks calls for a look; false while every possible step is under way. */
  readonly reactsToChanges: boolean
  /** Portals to be probed: do their targets accept logins? */
  readonly probes: readonly { readonly portal: string; readonly sinceMs: number }[]
  /** Sessions whose disks carry I/O. They are asked from time to time which volume they are. */
  readonly checks: readonly number[]
  /** What must be asked before a decision is possible: the facts are then read and planned once more. */
  readonly ask: 'is-queueing' | 'multipathd' | 'map' | null
}
