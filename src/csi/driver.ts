import type { Host } from '../host/host.ts'
import type { Observer } from '../volumes/step.ts'
import type { Gates } from './gates.ts'
import type { Turns } from './turns.ts'
import type { Failures } from './volume/failures.ts'

/** What every call works with. */
export interface Driver {
  readonly host: Host
  /** The driver's name: PersistentVolumes name it. */
  readonly name: string
  /** This node, as the orchestrator knows it. */
  readonly nodeId: string
  readonly version: string
  /** Whether NodeGetVolumeHealth is announced; it is served in any case. */
  readonly announceHealth: boolean
  readonly turns: Turns
  readonly gates: Gates
  readonly failures: Failures
  /** Told of the engine's steps. */
  readonly observer: Observer
  /** Ends work when the agent stops; a caller that goes away ends nothing. */
  readonly signal: AbortSignal
}
