import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type { Hold } from '../../../../src/model/hold.ts'
import type { HoldPlan } from '../../../../src/model/plan/hold-plan.ts'
import type { HoldStep } from '../../../../src/model/plan/hold-steps.ts'
import { isGivenUp } from '../../../../src/model/plan/hold-outage.ts'
import type { Carried, FakeIscsi } from './fake-iscsi.ts'

/** How late the agent may be: a look, and the poll that causes it. */
export const SLACK_MS = 2_500
/** A reinstate is one of many if it follows others within this time. */
const REINSTATE_WINDOW_MS = 10_000
/** For two paths in that time: five each if I/O fails through them, and some that are back for another reason. */
const MAX_REINSTATES = 20
/** I/O that fails this soon after a return although the target answers continues the previous outage. */
const RELAPSE_MS = 30_000

/** Something that must never happen. */
export class Violation extends Error {}

/** What the agent and commands have recorded about the volume. */
export interface Noted {
  note: HoldNote | null
  wanted: Hold
  /** False once a detach has begun, until the volume is attached again. */
  isReady: boolean
  /** A detach is running: the agent cannot see its end at once. */
  isWorkedOn: boolean
}

/** The rules of a hold, checked at each step of the fake's clock. Each method throws a {@link Violation}. */
export class HoldJudge {
  /** When the volume was misplaced or fenced; until it was cleared and attached again. */
  givenUp: 'misplaced' | 'fenced' | null = null
  readonly #iscsi: FakeIscsi
  readonly #noted: Noted
  #recoveredMs: number | null = null
  #endedMs: number | null = null
  #wantedMs = 0
  /** When it was attached again after a detach had begun: a hold does not begin before that. */
  #readyMs = 0
  /** Until when a command, which asks the disks itself, was working. */
  #workedMs = 0
  /** The last outage that ended without loss, as far as this agent knows. */
  #lastOutage: { readonly sinceMs: number; readonly endedMs: number } | null = null
  #reinstatedMs: number[] = []

  constructor(iscsi: FakeIscsi, noted: Noted) {
    this.#iscsi = iscsi
    this.#noted = noted
  }

  /** Another hold is requested. */
  wanted(): void {
    this.#wantedMs = this.#iscsi.nowMs
  }

  /** A user gives the hold up. */
  gaveUp(): void {
    this.#endedMs ??= this.#iscsi.nowMs
  }

  recovered(): void {
    this.#recoveredMs = this.#iscsi.nowMs
  }

  /** A new agent knows nothing about outages that are over. */
  agentKilled(): void {
    this.#lastOutage = null
    this.#reinstatedMs = []
  }

  /** Called before a command starts or ends its work. */
  worked(): void {
    if (this.#noted.isWorkedOn) this.#workedMs = this.#iscsi.nowMs
    if (!this.#noted.isReady) this.#readyMs = this.#iscsi.nowMs
  }

  /** No I/O goes through a path that was not verified, nor to a volume that was given up. */
  carried({ through }: Carried): void {
    if (this.givenUp !== null) throw new Violation(`I/O of a volume that is ${this.givenUp}`)
    const unprovenMs = Math.max(through.unprovenMs, this.#workedMs)
    if (
      !this.#noted.isWorkedOn &&
      through.provenConnection !== through.connection &&
      this.#iscsi.nowMs - unprovenMs > SLACK_MS
    )
      throw new Violation('I/O resumed through a path that has not been verified since it came back')
  }

  /** How long a write may wait at most: as long as the present hold says, whatever it was before. */
  waits(): void {
    const { queued, map, nowMs, hasActivePath } = this.#iscsi
    const [first] = queued
    // Writes that a detach left held wait for the next detach; a path that carries I/O is on trial.
    if (!this.#noted.isReady || first === undefined || !map?.queueing || hasActivePath) return
    const { wanted } = this.#noted
    const longest = typeof wanted === 'number' ? Math.max(wanted, 0) * 1000 : Infinity
    const since = Math.max(first, this.#wantedMs - longest, this.#readyMs)
    if (nowMs - since > longest + SLACK_MS)
      throw new Violation(`I/O waits for ${nowMs - first} ms, and its hold is ${String(wanted)} s`)
  }

  /** The printed state matches what is recorded, and what the kernel does with I/O. */
  agrees({ state }: HoldPlan, isAttaching: boolean): void {
    const { note, isReady } = this.#noted
    const { map } = this.#iscsi
    if (!isReady && state === 'detaching') {
      if (this.givenUp !== null) throw new Violation(`detaching, and it is ${this.givenUp}`)
      return
    }
    const printed = stateOf(note)
    const isAbsent = map === null && note === null && state === 'failed'
    if (state !== printed && !isAbsent) throw new Violation(`the agent says ${state}, and records ${printed}`)
    if (map === null) return
    const hasPath = this.#iscsi.hasActivePath
    if (state === 'holding' && !map.queueing) throw new Violation('holding, and I/O fails')
    if (state === 'ready' && !map.queueing) throw new Violation('ready, and the next outage is an error')
    if (state === 'ready' && !hasPath) throw new Violation('ready, without a path')
    if (state === 'failed' && !hasPath && map.queueing) throw new Violation('failed, and I/O waits')
    if ((state === 'misplaced' || state === 'fenced') && map.queueing && !isAttaching)
      throw new Violation(`${state}, and I/O waits`)
  }

  /**
   * What the agent may do to a volume whose detach has begun. While the detach is running, that is only what the
   * result of an earlier question requires, and an update of the note of an earlier outage.
   */
  begins(step: HoldStep): void {
    const { isReady, isWorkedOn, note } = this.#noted
    if (isReady || isGuarding(step, note, isWorkedOn)) return
    throw new Violation(`${step.kind} of a volume that is being detached`)
  }

  /** Called before the note is replaced. */
  records(note: HoldNote | null): void {
    const before = this.#noted.note
    const { nowMs } = this.#iscsi
    if (note === null && before !== null && before.ended !== null && before.kind !== 'misplaced') {
      if (this.#recoveredMs === null || this.#endedMs === null || this.#recoveredMs < this.#endedMs)
        throw new Violation('I/O resumed after its hold was over, without a recovery')
    }
    if (note === null && (before?.kind === 'fenced' || before?.kind === 'misplaced'))
      throw new Violation(`the agent forgets that the volume is ${before.kind}`)
    if (note?.ended === 'deadline' && before?.ended === null) this.#mayEnd(note)
    if (note?.ended === null && before === null) this.#mayBegin(note)
    if (note === null && before?.sinceMs !== undefined)
      this.#lastOutage = { sinceMs: before.sinceMs, endedMs: nowMs }
    if (note && note.ended !== null && before?.ended !== note.ended) this.#endedMs = nowMs
    if (note?.kind !== 'misplaced' && note?.kind !== 'fenced') return
    if (this.givenUp === 'fenced' && note.kind === 'misplaced') throw new Violation('no longer fenced')
    this.givenUp = note.kind
  }

  #mayBegin(note: HoldNote): void {
    const last = this.#lastOutage
    const { nowMs, map } = this.#iscsi
    if (last === null || nowMs - last.endedMs >= RELAPSE_MS || note.sinceMs === last.sinceMs) return
    const failed = map?.paths.filter(({ active }) => !active) ?? []
    if (failed.some(({ devno }) => this.#iscsi.byDevno(devno)?.disk?.state === 'running'))
      throw new Violation('I/O that fails soon after a return begins a new hold')
  }

  #mayEnd(note: HoldNote): void {
    const { nowMs } = this.#iscsi
    const { wanted } = this.#noted
    const heldMs = nowMs - (note.sinceMs ?? 0)
    if (nowMs - this.#wantedMs < SLACK_MS) return
    if (typeof wanted === 'number' && heldMs < wanted * 1000)
      throw new Violation(`a hold of ${wanted} s ends after ${heldMs} ms`)
  }

  /** Called before a path carries I/O again. */
  uses(how: 'reinstate' | 'load-table', isVerified: boolean): void {
    if (!isVerified) throw new Violation(`${how} of a path that has not been verified since it came back`)
    if (this.givenUp !== null || how === 'load-table') return
    const { nowMs } = this.#iscsi
    this.#reinstatedMs = [...this.#reinstatedMs.filter((atMs) => nowMs - atMs < REINSTATE_WINDOW_MS), nowMs]
    if (this.#reinstatedMs.length > MAX_REINSTATES)
      throw new Violation('a target that fails I/O gets it again without a pause')
  }

  /** Called before a volume that was given up is unmounted. */
  clears(): void {
    if (this.givenUp === null) throw new Violation('a volume is cleared that was not given up')
    if (!this.#iscsi.hasUsers && this.#iscsi.hasActivePath)
      throw new Violation('it is unmounted while a path is there')
  }

  /** Called before a volume is attached again. */
  attaches(): void {
    if (this.givenUp === 'fenced') throw new Violation('a fenced volume is taken back')
    if (this.givenUp === 'misplaced' && this.#iscsi.isMounted)
      throw new Violation('a misplaced volume is attached in use')
  }
}

function stateOf(note: HoldNote | null): string {
  if (note === null) return 'ready'
  if (note.kind === 'misplaced' || note.kind === 'fenced') return note.kind
  return note.ended === null ? 'holding' : 'failed'
}

function isGuarding(step: HoldStep, note: HoldNote | null, isWorkedOn: boolean): boolean {
  if (step.kind === 'record')
    return note !== null || step.note?.kind === 'misplaced' || step.note?.kind === 'fenced'
  if (step.kind === 'queue') return !step.on
  if (step.kind === 'fail' || step.kind === 'drop-disk') return true
  if (step.kind === 'empty-map') return isGivenUp(note)
  if (isWorkedOn) return false
  // Nothing goes through a path that is only asked.
  const isAsking =
    step.kind === 'return' && step.steps.every((one) => one !== 'reinstate' && one !== 'load-table')
  return step.kind === 'verify' || isAsking
}
