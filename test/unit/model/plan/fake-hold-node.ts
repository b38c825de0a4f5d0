import type { HoldNote } from '../../../../src/model/hold-note.ts'
import type { Hold } from '../../../../src/model/hold.ts'
import type {
  HoldFacts,
  HoldMemory,
  HoldPlan,
  HoldStep,
  LastingStep,
  Refusal,
  Returned,
  ReturnStep,
  StepOf,
  StepResult,
} from '../../../../src/model/plan/hold-facts.ts'
import { NOTHING_KNOWN } from '../../../../src/model/plan/hold-facts.ts'
import { afterStep, takeLoss } from '../../../../src/model/plan/hold-results.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'
import type { FakeSession } from './fake-iscsi.ts'
import { FakeIscsi, PORTALS, TICK_MS } from './fake-iscsi.ts'
import type { Noted } from './hold-judge.ts'
import { HoldJudge } from './hold-judge.ts'

/** What happens from outside. */
export const EVENTS = [
  'quiet',
  'quiet',
  'target-down',
  'target-up',
  'portal-down',
  'portal-up',
  'reconnect',
  'swap-lun',
  'unmap-lun',
  'map-lun',
  'io-fails',
  'io-works',
  'owned-by-other',
  'owner-silent',
  'owned-by-us',
  'give-up',
  'longer-hold',
  'shorter-hold',
  'agent-killed',
  'session-gone',
  'someone-unqueues',
  'clock-set',
  'users-leave',
  'users-come',
  'writer-starts',
  'writer-stops',
  'detach-works',
  'detach-killed',
  'attached-again',
] as const
export type Event = (typeof EVENTS)[number]

/** How often paths that carry I/O are asked which volume they are. */
const CHECK_INTERVAL_MS = 5_000

interface Running {
  readonly step: LastingStep
  readonly plan: ReturnStep[]
  foundHere: boolean
  sid: number | null
  connection: number | null
  isVerified: boolean
}

/** Of a planner, what the fake node needs: tests plant mistakes in it. */
export interface Planner {
  readonly plan: typeof planHold
}

/**
 * A node with one volume on a hold map, two portals and a writer, and the agent as src/agent does it: the planner
 * decides, this acts, the judge throws a violation for what must never happen.
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
  #running: Running[] = []
  #watched = ''
  readonly #startMs = this.iscsi.nowMs
  readonly #planner: Planner

  constructor(planner: Planner = { plan: planHold }) {
    this.#planner = planner
  }

  happen(event: Event): void {
    const { iscsi, judge } = this
    this.#say(`event ${event}`)
    switch (event) {
      case 'quiet':
        break
      case 'target-down':
        iscsi.up = [false, false]
        break
      case 'target-up':
        iscsi.up = [true, true]
        break
      case 'portal-down':
        iscsi.up[0] = false
        break
      case 'portal-up':
        iscsi.up[0] = true
        break
      case 'reconnect':
        // Shorter than any look at it.
        for (const session of iscsi.sessions) if (session.state === 'LOGGED_IN') iscsi.reconnect(session)
        break
      case 'swap-lun':
        iscsi.lun = 'foreign'
        break
      case 'unmap-lun':
        iscsi.lun = 'absent'
        break
      case 'map-lun':
        iscsi.lun = 'volume'
        break
      case 'io-fails':
      case 'io-works':
        iscsi.failsIo = event === 'io-fails'
        break
      case 'owned-by-other':
        iscsi.owner = 'other'
        break
      case 'owner-silent':
        iscsi.owner = 'silent'
        break
      case 'owned-by-us':
        iscsi.owner = 'us'
        break
      case 'give-up':
        if (this.note === null || iscsi.map === null) break
        if (this.note.ended === null) this.note = { ...this.note, ended: 'give-up' }
        judge.gaveUp()
        iscsi.map.queueing = false
        this.#lookNow()
        break
      case 'longer-hold':
      case 'shorter-hold':
        this.wanted = event === 'longer-hold' ? 40 : 10
        judge.wanted()
        this.#lookNow()
        break
      case 'agent-killed':
        this.memory = NOTHING_KNOWN
        judge.agentKilled()
        this.last = null
        this.#running = []
        this.#lookNow()
        break
      case 'session-gone':
        iscsi.logOut(iscsi.sessions[0]?.sid)
        break
      case 'someone-unqueues':
        if (iscsi.map) iscsi.map.queueing = false
        break
      case 'clock-set':
        this.wallMs += 3_600_000
        break
      case 'users-leave':
        iscsi.hasUsers = false
        break
      case 'users-come':
        iscsi.hasUsers = true
        break
      case 'writer-starts':
      case 'writer-stops':
        iscsi.isWriting = event === 'writer-starts'
        break
      case 'detach-works':
      case 'detach-killed':
      case 'attached-again':
        judge.worked()
        // The record changes with the first and the last.
        if (this.isReady !== (event === 'attached-again')) this.#lookNow()
        this.isReady = event === 'attached-again'
        this.isWorkedOn = event === 'detach-works'
        break
    }
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
    for (const running of this.#running.slice()) this.#proceed(running)
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
    // A detach that is at work asks the disks itself (agent/identity-checks.ts).
    if (this.isWorkedOn) return
    for (const sid of this.last?.checks ?? []) {
      const session = this.iscsi.bySid(sid)
      if (!session?.disk) continue
      const answer = this.iscsi.answerOf(session)
      if (answer !== 'foreign' && answer !== 'absent' && answer !== 'lost') continue
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
      isReady: this.isReady,
      isWorkedOn: this.isWorkedOn,
      held: {
        revision: 0,
        hasDevice: true,
        hasMap: true,
        recovery: 0,
        isQueueing: null,
        multipathd: null,
      },
    }
  }

  /** As readHoldNote gives it: by the wall clock as it is set now. */
  #restamped(): HoldNote | null {
    const { note } = this
    if (note === null || note.sinceMs === undefined) return note
    return { ...note, since: new Date(this.wallMs - (this.iscsi.nowMs - note.sinceMs)).toISOString() }
  }

  #act(steps: readonly HoldStep[]): void {
    const { iscsi } = this
    for (const step of steps) {
      if (step.kind === 'say' || step.kind === 'warm-worker' || step.kind === 'search-portal') continue
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
          // A table that is loaded queues.
          iscsi.map = { queueing: true, paths: [] }
          break
        case 'verify':
        case 'return':
        case 'recover':
        case 'clear':
        case 'attach':
          this.#running.push({
            step,
            plan: step.kind === 'return' ? [...step.steps] : [],
            foundHere: false,
            sid: step.kind === 'return' ? (step.path?.sid ?? null) : null,
            connection: null,
            isVerified: false,
          })
      }
    }
  }

  #record(note: HoldNote | null): void {
    this.judge.records(note)
    // What is on its way in the very moment in which a volume is given up is not the planner's.
    if (note?.kind === 'misplaced' || note?.kind === 'fenced')
      for (const path of this.iscsi.map?.paths ?? []) path.active = false
    this.note = note
  }

  #proceed(running: Running): void {
    const { step } = running
    switch (step.kind) {
      case 'verify':
        return this.#verify(running, step)
      case 'recover':
        return this.#recover(running)
      case 'clear':
        return this.#clear(running)
      case 'attach':
        return this.#attach(running, step)
      case 'return':
        return this.#bringBack(running, step)
    }
  }

  #verify(running: Running, step: StepOf<'verify'>): void {
    const session = this.iscsi.bySid(step.sid)
    const answer =
      session && String(session.connection) === step.connection ? this.iscsi.answerOf(session) : 'unreachable'
    if (answer === 'proven') session!.provenConnection = session!.connection
    const refused = answer === 'proven' ? null : { cause: answer, message: `it is ${answer}` }
    this.#finish(running, { kind: 'verify', step, refused })
  }

  #recover(running: Running): void {
    const { iscsi } = this
    const path = iscsi.map?.paths.find(({ active }) => active)
    const session = path && iscsi.byDevno(path.devno)
    if (!session || iscsi.failsIo || iscsi.answerOf(session) !== 'proven')
      return this.#finish(running, { kind: 'recover-failed', message: 'the volume does not answer' })
    this.judge.recovered()
    this.#finish(running, { kind: 'recover', trouble: null })
  }

  #clear(running: Running): void {
    const { iscsi } = this
    this.judge.clears()
    if (iscsi.hasUsers) return this.#finish(running, { kind: 'clear', users: 'cat[1]' })
    iscsi.isMounted = false
    iscsi.queued = []
    if (this.note?.kind === 'fenced') iscsi.map = null
    if (this.note) this.note = { ...this.note, isClear: true }
    this.#finish(running, { kind: 'clear', users: null })
  }

  #attach(running: Running, step: StepOf<'attach'>): void {
    const { iscsi } = this
    this.judge.attaches()
    const portal = PORTALS.find((one) => iscsi.isUp(one))
    if (portal === undefined || iscsi.lun !== 'volume' || iscsi.owner !== 'us' || iscsi.failsIo)
      return this.#finish(running, { kind: 'failed', step, message: 'it cannot be attached' })
    const session =
      iscsi.sessions.find((one) => one.portal === portal && one.state === 'LOGGED_IN') ?? iscsi.logIn(portal)
    session.disk ??= { devno: `8:${session.sid}`, state: 'running' }
    session.provenConnection = session.connection
    iscsi.map = { queueing: true, paths: [{ devno: session.disk.devno, active: true }] }
    iscsi.isMounted = true
    this.judge.givenUp = null
    this.note = null
    this.#finish(running, { kind: 'attach' })
  }

  #bringBack(running: Running, step: StepOf<'return'>): void {
    const { iscsi } = this
    const refuse = (cause: Refusal) =>
      this.#finish(running, {
        kind: 'return',
        step,
        came: {
          kind: 'refused',
          refused: { cause, message: `it is ${cause}` },
          ...(running.foundHere ? { foundHere: true } : {}),
        },
      })
    const next = running.plan.shift()
    const serving = iscsi.sessions.find(({ portal }) => portal === step.portal) ?? null
    const session = iscsi.bySid(running.sid)
    switch (next) {
      case 'search-lun':
        if (!iscsi.isUp(step.portal)) return
        if (iscsi.lun !== 'volume') return refuse('foreign')
        running.foundHere = true
        return
      case 'log-out':
        if (serving && serving.state !== 'LOGGED_IN') iscsi.logOut(serving.sid)
        return
      case 'make-path': {
        if (!iscsi.isUp(step.portal)) return refuse('unreachable')
        if (serving && serving.state !== 'LOGGED_IN') return refuse('unreachable')
        const made = serving ?? iscsi.logIn(step.portal)
        if (iscsi.lun === 'absent') return refuse('absent')
        made.disk ??= { devno: `8:${made.sid}`, state: 'running' }
        running.sid = made.sid
        if (iscsi.lun !== 'foreign') return
        iscsi.dropDisk(made.sid)
        return refuse('foreign')
      }
      case 'verify': {
        if (!session?.disk) return refuse('unreachable')
        const answer = iscsi.answerOf(session)
        if (answer === 'foreign') iscsi.dropDisk(session.sid)
        if (answer !== 'proven') return refuse(answer)
        running.connection = session.connection
        running.isVerified = true
        return
      }
      case 'reinstate':
      case 'load-table': {
        // As hold/return-path.ts does it: a connection that was replaced since is not the one that was asked.
        if (!session?.disk || iscsi.map === null) return refuse('unreachable')
        if (running.isVerified && running.connection !== session.connection) return refuse('unreachable')
        const returned = this.#use(session, session.disk.devno, next, running.isVerified)
        if (returned === null) return refuse('unreachable')
        return this.#finish(running, { kind: 'return', step, came: returned })
      }
      case undefined:
        return refuse('unreachable')
    }
  }

  /** The path carries I/O from now on. @returns null if the volume was given up */
  #use(
    session: FakeSession,
    devno: string,
    how: 'reinstate' | 'load-table',
    isVerified: boolean,
  ): Returned | null {
    this.judge.uses(how, isVerified)
    if (this.judge.givenUp !== null) return null
    session.provenConnection = session.connection
    this.iscsi.usePath(devno, how)
    return {
      kind: how === 'reinstate' ? 'reinstated' : 'loaded',
      path: { sid: session.sid, devno, connection: String(session.connection) },
    }
  }

  #finish(running: Running, result: StepResult): void {
    this.#say(`result ${JSON.stringify(result)}`)
    this.#running = this.#running.filter((one) => one !== running)
    const taken = afterStep(this.#facts(), this.memory, result)
    this.memory = taken.memory
    this.#act(taken.steps)
    this.#dueMs = Math.min(this.#dueMs, taken.lookAtMs)
  }

  #say(line: string): void {
    this.log.push(`${this.iscsi.nowMs - this.#startMs}: ${line}`)
  }
}
