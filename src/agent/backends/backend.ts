import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import type { Iqn } from '../../model/iqn.ts'
import type { HeldByOthers, HoldFacts } from '../../model/plan/hold-facts.ts'
import type { HoldPlan } from '../../model/plan/hold-plan.ts'
import type { HoldStep, LastingStep, StepOf, StepResult } from '../../model/plan/hold-steps.ts'
import type { ScsiDisk, Session } from '../../model/snapshot.ts'
import type { AgentLog } from '../log.ts'
import type { HoldMapStates } from '../hold-map-states.ts'
import type { MovedIo } from '../moved-io.ts'
import type { PortalProbes } from '../portal-probes.ts'
import type { Scheduler } from '../scheduler.ts'
import type { WatchedAttributes } from '../watched-attributes.ts'

/** The parts of the agent that each monitored volume uses. */
export interface AgentContext {
  readonly host: Host
  readonly maps: HoldMapStates
  readonly probes: PortalProbes
  readonly schedule: Scheduler
  readonly log: AgentLog
  readonly moved: MovedIo
  readonly signal: AbortSignal
  /** How many volumes are held in the same way. */
  readonly volumes: (record: Attachment) => number
  /** Searches for the target at other addresses, because no portal of a volume serves it. */
  readonly searchPortals: (iqn: Iqn) => void
}

/** Reads the sessions of a target, once per turn for all of its volumes. */
export type ReadSessions = (iqn: Iqn) => readonly Session[]

/** Answers of programs for one look: only those that the planner asked for. */
export type Asked = Partial<Pick<HeldByOthers, 'isQueueing' | 'multipathd'>>

/** A disk that carries I/O. */
export type NamedDisk = ScsiDisk & { readonly name: string }

/** One look at a volume. */
export interface Observation {
  /** The facts that depend on how the volume is held. */
  readonly facts: Pick<HoldFacts, 'isReady' | 'paths' | 'portals' | 'io' | 'map' | 'mapReadMs' | 'held'>
  readonly attributes: WatchedAttributes
  /** The disk of a session that the periodic check asks which volume it is; null if nothing uses the disk. */
  readonly checkedDisk: (sid: number) => NamedDisk | null
}

/** The volume of a step. */
export interface StepWork {
  readonly record: Attachment
  /** The observation on which the plan was made. */
  readonly seen: Observation
}

type ImmediateStep = Exclude<HoldStep, LastingStep | StepOf<'record' | 'say'>>

/** How a volume is held: how it is observed, and the steps that can be done for it. */
export interface HoldBackend {
  /** Facts that depend on time are read last, together, so that no other change by the agent comes in between. */
  observe(record: Attachment, sessions: ReadSessions, asked: Asked): Promise<Observation>
  ask(what: NonNullable<HoldPlan['ask']>, record: Attachment): Promise<Asked>
  /** @throws if the step was not done; the steps after it in the plan are then left out */
  readonly immediate: {
    readonly [Kind in ImmediateStep['kind']]?: (step: StepOf<Kind>, work: StepWork) => Promise<void> | void
  }
  /** @throws what the monitor treats as a failure of the step */
  readonly lasting: {
    readonly [Kind in LastingStep['kind']]?: (step: StepOf<Kind>, work: StepWork) => Promise<StepResult>
  }
}
