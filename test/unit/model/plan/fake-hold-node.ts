import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type { Hold } from '../../../../src/model/hold.ts'
import type { HoldFacts } from '../../../../src/model/plan/hold-facts.ts'
import type { HoldMemory } from '../../../../src/model/plan/hold-memory.ts'
import type { HoldPlan } from '../../../../src/model/plan/hold-plan.ts'
import type { HoldStep, StepResult } from '../../../../src/model/plan/hold-steps.ts'
import { NOTHING_KNOWN } from '../../../../src/model/plan/hold-memory.ts'
import { afterStep, takeLoss } from '../../../../src/model/plan/hold-results.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import { ISCSI_EVENTS } from './fake-iscsi-events.ts'
import { FakeIscsi, TICK_MS } from './fake-iscsi.ts'
import { FakeLastingSteps } from './fake-lasting-steps.ts'
import type { Noted } from './hold-judge.ts'
import { HoldJudge } from './hold-judge.ts'

/** What happens to the agent, to its volume's record, and to the clock. */
const NODE_EVENTS = {
  'give-up': (node: FakeHoldNode) => node.giveUp(),
  'longer-hold': (node: FakeHoldNode) => node.want(40),
  'shorter-hold': (node: FakeHoldNode) => node.want(10),
  'agent-killed': (node: FakeHoldNode) => node.killAgent(),
  'clock-set': (node: FakeHoldNode) => (node.wallMs += 3_600_000),
  'detach-works': (node: FakeHoldNode) => node.detach({ isWorkedOn: true }),
  'detach-killed': (node: FakeHoldNode) => node.detach({ isWorkedOn: false }),
  'attached-again': (node: FakeHoldNode) => node.attachAgain(),
} as const

export type Event = keyof typeof ISCSI_EVENTS | keyof typeof NODE_EVENTS
const isOfIscsi = (event: Event): event is keyof typeof ISCSI_EVENTS => event in ISCSI_EVENTS

/** A quiet period is as likely as two events. */
export const EVENTS: readonly Event[] = [
  'quiet',
  ...(Object.keys(ISCSI_EVENTS) as (keyof typeof ISCSI_EVENTS)[]),
  ...(Object.keys(NODE_EVENTS) as (keyof typeof NODE_EVENTS)[]),
]

/** How often paths that carry I/O are asked which volume they are. */
const CHECK_INTERVAL_MS = 5_000

/** The part of a planner that the fake node needs: tests plant mistakes in it. */
export interface Planner {
  readonly plan: typeof planHold
}

/**
 * A node with one volume on a hold map, two portals and a writer, and the agent as in src/agent: the planner
 * decides, this class acts, and the judge throws a violation for what must never happen.
 */
export class FakeHoldNode implements Noted {
  readonly iscsi = new FakeIscsi()
  readonly judge = new HoldJudge(this.iscsi, this)
  wallMs = 1_800_000_000_000
  // /run, /var and the command line.
  note: HoldNote | null = null
  wanted: Hold = 20
  isReady = true
  isWorkedOn = false
  // The agent.
  memory: HoldMemory = NOTHING_KNOWN
  last: HoldPlan | null = null
  readonly log: string[] = []
  #dueMs = 0
  #checkMs = 0
  #writtenAtCheck = 0
  #written = 0
  readonly #lasting = new FakeLastingSteps(this.iscsi, this.judge, this, (result) => this.#ended(result))
  #watched = ''
  readonly #startMs = this.iscsi.nowMs
  readonly #planner: Planner

  constructor(planner: Planner = { plan: planHold }) {
    this.#planner = planner
  }

  happen(event: Event): void {
    this.#say(`event ${event}`)
    if (isOfIscsi(event)) ISCSI_EVENTS[event](this.iscsi)
    else NODE_EVENTS[event](this)
  }

  giveUp(): void {
    const { map } = this.iscsi
    if (this.note === null || map === null) return
    if (this.note.ended === null) this.note = { ...this.note, ended: 'give-up' }
    this.judge.gaveUp()
    map.queueing = false
    this.#lookNow()
  }

  want(hold: Hold): void {
    this.wanted = hold
    this.judge.wanted()
    this.#lookNow()
  }

  killAgent(): void {
    this.memory = NOTHING_KNOWN
    this.judge.agentKilled()
    this.last = null
    this.#lasting.forget()
    this.#lookNow()
  }

  detach({ isWorkedOn }: Pick<Noted, 'isWorkedOn'>): void {
    this.#change({ isReady: false, isWorkedOn })
  }

  attachAgain(): void {
    this.#change({ isReady: true, isWorkedOn: false })
  }

  /** A command starts or ends its work. */
  #change({ isReady, isWorkedOn }: Pick<Noted, 'isReady' | 'isWorkedOn'>): void {
    this.judge.worked()
    // The record changes with the first step and with the last.
    if (this.isReady !== isReady) this.#lookNow()
    this.isReady = isReady
    this.isWorkedOn = isWorkedOn
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    for (const end = this.iscsi.nowMs + milliseconds; this.iscsi.nowMs < end;) this.#tick()
  }

  /** Whether I/O goes through, and the agent has nothing left to do. */
  get isWell(): boolean {
    const { iscsi, note, last } = this
    const carries = iscsi.map?.paths.some(
      ({ devno, active }) => active && iscsi.byDevno(devno)?.state === 'LOGGED_IN',
    )
    return carries === true && iscsi.map?.queueing === true && note === null && last?.isSettled === true
  }

  #tick(): void {
    const { iscsi } = this
    iscsi.nowMs += TICK_MS
    this.wallMs += TICK_MS
    iscsi.followPortals()
    const carried = iscsi.write()
    if (carried) {
      this.#written += carried.writes
      this.judge.carried(carried)
    }
    this.#lasting.proceed()
    const watched = JSON.stringify(
      iscsi.sessions.map(({ sid, state, connection, disk }) => [sid, state, connection, disk]),
    )
    if (watched !== this.#watched && this.last?.reactsToChanges !== false) this.#lookNow()
    this.#watched = watched
    if (this.last?.isSettled && (!iscsi.map?.queueing || this.#kernelFailed())) this.#lookNow()
    if (iscsi.nowMs >= this.#checkMs) this.#checkIdentities()
    if (iscsi.nowMs >= this.#dueMs || this.#portalOpened()) this.#look()
    this.judge.waits()
  }

  #lookNow(): void {
    this.#dueMs = this.iscsi.nowMs
  }

  /** Kernel events, and the survey of maps. */
  #kernelFailed(): boolean {
    return this.memory.carrying.some(
      (devno) => !this.iscsi.map?.paths.some((path) => path.active && path.devno === devno),
    )
  }

  #portalOpened(): boolean {
    return (this.last?.probes ?? []).some(({ portal }) => this.iscsi.isUp(portal))
  }

  #checkIdentities(): void {
    this.#checkMs = this.iscsi.nowMs + CHECK_INTERVAL_MS
    for (const sid of this.last?.checks ?? []) {
      const session = this.iscsi.bySid(sid)
      if (!session?.disk) continue
      const answer = this.iscsi.answerOf(session)
      if (answer !== 'foreign' && answer !== 'absent' && answer !== 'lost') continue
      // A running detach asks for the owner itself (agent/identity-checks.ts).
      if (this.isWorkedOn && answer !== 'foreign') continue
      const { devno } = session.disk
      const refused = { cause: answer, message: `${devno} is ${answer}` }
      const loss = {
        sid,
        devno,
        connection: String(session.connection),
        refused,
        moved: answer === 'foreign' ? this.#moved : null,
      }
      const taken = takeLoss(this.#facts(), this.memory, loss)
      this.memory = taken.memory
      this.#act(taken.steps)
      this.#dueMs = Math.min(this.#dueMs, taken.lookAtMs)
    }
    this.#writtenAtCheck = this.#written
  }

  /** I/O that may have gone to another volume since the last check. */
  get #moved(): string | null {
    return this.#written > this.#writtenAtCheck ? 'I/O went there' : null
  }

  #look(): void {
    const plan = this.#planner.plan(this.#facts(), this.memory)
    this.last = plan
    this.memory = plan.memory
    this.#dueMs = plan.lookAtMs
    this.#act(plan.steps)
    this.judge.agrees(plan, this.memory.isAttaching)
  }

  #facts(): HoldFacts {
    return {
      ...this.iscsi.facts,
      nowMs: this.iscsi.nowMs,
      wallMs: this.wallMs,
      mode: 'map',
      wanted: this.wanted,
      shutdown: null,
      note: this.#restamped(),
      isOrchestrated: false,
      volumes: 1,
      witnessBackMs: null,
      isReady: this.isReady,
      isWorkedOn: this.isWorkedOn,
      held: {
        revision: 0,
        hasDevice: true,
        isReplaced: false,
        hasMap: true,
        recovery: 0,
        isQueueing: null,
        multipathd: null,
      },
    }
  }

  /** As readHoldNote returns it: by the wall clock as it is set now. */
  #restamped(): HoldNote | null {
    const { note } = this
    if (note === null || note.sinceMs === undefined) return note
    return { ...note, since: new Date(this.wallMs - (this.iscsi.nowMs - note.sinceMs)).toISOString() }
  }

  #act(steps: readonly HoldStep[]): void {
    const { iscsi } = this
    for (const step of steps) {
      if (step.kind === 'say' || step.kind === 'warm-up' || step.kind === 'search-portal') continue
      this.#say(JSON.stringify(step))
      this.judge.begins(step)
      switch (step.kind) {
        case 'record':
          this.#record(step.note)
          break
        case 'queue':
          iscsi.map!.queueing = step.on
          break
        case 'fail':
          iscsi.failPath(step.devno)
          break
        case 'drop-disk':
          iscsi.dropDisk(step.sid)
          break
        case 'empty-map':
          // A newly loaded table queues.
          iscsi.map = { queueing: true, paths: [] }
          break
        case 'verify':
        case 'return':
        case 'recover':
        case 'clear':
        case 'attach':
          this.#lasting.begin(step)
      }
    }
  }

  #record(note: HoldNote | null): void {
    this.judge.records(note)
    // I/O that is in flight at the very moment when a volume is given up is not the planner's fault.
    if (note?.kind === 'misplaced' || note?.kind === 'fenced')
      for (const path of this.iscsi.map?.paths ?? []) path.active = false
    this.note = note
  }

  #ended(result: StepResult): void {
    this.#say(`result ${JSON.stringify(result)}`)
    const taken = afterStep(this.#facts(), this.memory, result)
    this.memory = taken.memory
    this.#act(taken.steps)
    this.#dueMs = Math.min(this.#dueMs, taken.lookAtMs)
  }

  #say(line: string): void {
    this.log.push(`${this.iscsi.nowMs - this.#startMs}: ${line}`)
  }
}
