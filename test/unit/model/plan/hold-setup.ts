import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type {
  HeldByOthers,
  HeldPath,
  HoldFacts,
  PortalFacts,
  ProbeResult,
} from '../../../../src/model/plan/hold-facts.ts'
import type { HoldMemory } from '../../../../src/model/plan/hold-memory.ts'
import type { HoldPlan } from '../../../../src/model/plan/hold-plan.ts'
import type { HoldStep, StepOf } from '../../../../src/model/plan/hold-steps.ts'
import { NOTHING_KNOWN } from '../../../../src/model/plan/hold-memory.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'

export const PORTAL = '10.0.0.5:3260'
export const NOW_MS = 5_000_000
export const WALL_MS = Date.parse('2026-11-21T10:00:00.000Z')
export const since = new Date(WALL_MS).toISOString()

export const path: HeldPath = {
  sid: 1,
  portal: PORTAL,
  devno: '8:0',
  disk: 'sda',
  sessionState: 'LOGGED_IN',
  diskState: 'running',
  connection: '40000',
}
export const lostPath: HeldPath = { ...path, sessionState: 'FAILED', diskState: 'transport-offline' }
export const open: ProbeResult = { openSinceMs: NOW_MS, confirmedMs: NOW_MS, closed: null }
export const closed: ProbeResult = {
  openSinceMs: null,
  confirmedMs: -Infinity,
  closed: 'it refuses connections',
}
export const portalOf = (one: HeldPath | null, probe: ProbeResult | null = null, disks = 1): PortalFacts => ({
  portal: PORTAL,
  session: one && { sid: one.sid, state: one.sessionState, disks, isAllHeld: true, isOurs: true },
  probe,
})
export const HELD: HeldByOthers = {
  revision: 1,
  hasDevice: true,
  isReplaced: false,
  hasMap: false,
  recovery: 120,
  isQueueing: null,
  multipathd: null,
}
export const note = (more: Partial<HoldNote> = {}): HoldNote => ({
  since,
  sinceMs: NOW_MS,
  ended: null,
  trouble: null,
  ...more,
})

/** A volume on a hold map with one path that carries I/O. */
export function facts(more: Partial<HoldFacts> = {}): HoldFacts {
  return {
    nowMs: NOW_MS,
    wallMs: WALL_MS,
    mode: 'map',
    wanted: 600,
    shutdown: null,
    note: null,
    isReady: true,
    isWorkedOn: false,
    isOrchestrated: false,
    volumes: 1,
    witnessBackMs: null,
    map: { queueing: true, paths: [{ devno: '8:0', active: true }] },
    mapReadMs: more.nowMs ?? NOW_MS,
    paths: [path],
    portals: [portalOf(path)],
    io: { completed: 10, inFlight: 0 },
    held: HELD,
    ...more,
  }
}

export const memory = (more: Partial<HoldMemory> = {}): HoldMemory => ({ ...NOTHING_KNOWN, ...more })
export const proven = memory({
  verified: new Map([[1, { kind: 'proven', connection: '40000' }]]),
  carrying: ['8:0'],
})
export const plan = (more: Partial<HoldFacts> = {}, before: HoldMemory = proven): HoldPlan =>
  planHold(facts(more), before)
export const kinds = ({ steps }: HoldPlan): string[] =>
  steps.map(({ kind }) => kind).filter((kind) => kind !== 'say' && kind !== 'warm-up')
export const stepOf = <Kind extends HoldStep['kind']>({ steps }: HoldPlan, kind: Kind) =>
  steps.find((step): step is StepOf<Kind> => step.kind === kind)
export const said = ({ steps }: HoldPlan): string[] =>
  steps.flatMap((step) => (step.kind === 'say' ? [step.text] : []))

export const later = (milliseconds: number) => ({
  nowMs: NOW_MS + milliseconds,
  wallMs: WALL_MS + milliseconds,
})
export const active = { queueing: true, paths: [{ devno: '8:0', active: true }] }
export const failed = { queueing: true, paths: [{ devno: '8:0', active: false }] }
