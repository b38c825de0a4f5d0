import type { Host } from '../host/host.ts'
import type { Observer } from '../volumes/step.ts'
import type { TargetLimiter } from './target-limiter.ts'
import type { VolumeCalls } from './volume-calls.ts'
import type { Failures } from './volume/failures.ts'

/** What every CSI call needs. */
export interface Driver {
  readonly host: Host
  /** The driver's name, to which PersistentVolumes refer. */
  readonly name: string
  /** This node, as the orchestrator knows it. */
  readonly nodeId: string
  readonly version: string
  /** Whether NodeGetVolumeHealth is announced; it is served in any case. */
  readonly announceHealth: boolean
  readonly volumeCalls: VolumeCalls
  readonly targetLimiter: TargetLimiter
  readonly failures: Failures
  /** Observes the steps of attaching and detaching. */
  readonly observer: Observer
  /** Aborted when the agent stops. A caller that disconnects does not abort anything. */
  readonly signal: AbortSignal
}
