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
import { isGivenUp } from '../../../../src/model/plan/hold-outage.ts'
import { planHold } from '../../../../src/model/plan/hold.ts'

export const PORTALS = ['10.0.0.5:3260', '10.0.0.6:3260'] as const

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

/** One step of the fake's clock. */
export const TICK_MS = 50
/** How often paths that carry I/O are asked which volume they are. */
const CHECK_INTERVAL_MS = 5_000
/** iscsid's pause between two tries (DefaultTime2Wait). */
const RELOGIN_MS = 2_000
/** What the agent may be late: a look, and the poll that causes it. */
export const SLACK_MS = 2_500

/** Of two paths within 10 s: five each, where I/O fails through them, and some that are back for another reason. */
const MOST_REINSTATES = 20

interface FakeSession {
  readonly sid: number
  readonly portal: string
  state: 'LOGGED_IN' | 'FAILED'
  connection: number
  mendsMs: number
  disk: { readonly devno: string; state: string } | null
  /** The connection over which the agent last had it proven to be the volume, and since when another carries I/O. */
  provenConnection: number | null
  unprovenMs: number
}

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

/** Something that must never happen. */
export class Violation extends Error {}

/**
 * A node with one volume on a hold map, two portals and a writer, and the agent as src/agent does it: the planner
 * decides, this acts. What the planner must never do throws a {@link Violation}.
 */
export class FakeHoldNode {
  nowMs = 1_000_000
  wallMs = 1_800_000_000_000
  // The target.
  up = [true, true]
  lun: 'volume' | 'foreign' | 'absent' = 'volume'
  owner: 'us' | 'other' | 'silent' = 'us'
  failsIo = false
  // The kernel.
  readonly sessions: FakeSession[] = []
  map: { queueing: boolean; paths: { devno: string; active: boolean }[] } | null
  completed = 0
  /** When each write that waits was begun. */
  queued: number[] = []
  errors = 0
  hasUsers = true
  isMounted = true
  isWriting = true
  // /run, /var and the command line.
  note: HoldNote | null = null
  wanted: Hold = 20
  isOrchestrated = false
  /** False once a detach has begun, until the volume is attached again. */
  isReady = true
  /** A detach is at work: the agent cannot see its end at once. */
  isWorkedOn = false
  // The agent.
  memory: HoldMemory = NOTHING_KNOWN
  last: HoldPlan | null = null
  #dueMs = 0
  #checkMs = 0
  #writtenAtCheck = 0
  #written = 0
  #running: Running[] = []
  #watched = ''
  readonly log: string[] = []
  readonly steps: { readonly atMs: number; readonly step: string }[] = []
  // What is judged.
  #recoveredMs: number | null = null
  #endedMs: number | null = null
  #wantedMs = 0
  /** When it was attached again after a detach had begun: a hold does not begin before. */
  #readyMs = 0
  /** Until when a command was at work, which asks the disks itself. */
  #workedMs = 0
  /** The last outage that ended well, as far as this agent knows. */
  #lastOutage: { readonly sinceMs: number; readonly endedMs: number } | null = null
  /** When the volume was misplaced or fenced; until it was cleared and attached again. */
  givenUp: 'misplaced' | 'fenced' | null = null
  #sids = 0
  readonly #planner: Planner

  constructor(planner: Planner = { plan: planHold }) {
    this.#planner = planner
    this.map = { queueing: true, paths: [] }
    for (const portal of PORTALS) {
      const session = this.#logIn(portal)
      session.provenConnection = session.connection
      this.map.paths.push({ devno: session.disk!.devno, active: true })
    }
  }

  happen(event: Event): void {
    this.#say(`event ${event}`)
    switch (event) {
      case 'quiet':
        break
      case 'target-down':
        this.up = [false, false]
        break
      case 'target-up':
        this.up = [true, true]
        break
      case 'portal-down':
        this.up[0] = false
        break
      case 'portal-up':
        this.up[0] = true
        break
      case 'reconnect':
        // Shorter than any look at it.
        for (const session of this.sessions) if (session.state === 'LOGGED_IN') this.#reconnect(session)
        break
      case 'swap-lun':
        this.lun = 'foreign'
        break
      case 'unmap-lun':
        this.lun = 'absent'
        break
      case 'map-lun':
        this.lun = 'volume'
        break
      case 'io-fails':
      case 'io-works':
        this.failsIo = event === 'io-fails'
        break
      case 'owned-by-other':
        this.owner = 'other'
        break
      case 'owner-silent':
        this.owner = 'silent'
        break
      case 'owned-by-us':
        this.owner = 'us'
        break
      case 'give-up':
        if (this.note === null || this.map === null) break
        if (this.note.ended === null) this.note = { ...this.note, ended: 'give-up' }
        this.#endedMs ??= this.nowMs
        this.map.queueing = false
        this.#dueMs = this.nowMs
        break
      case 'longer-hold':
      case 'shorter-hold':
        this.wanted = event === 'longer-hold' ? 40 : 10
        this.#wantedMs = this.nowMs
        this.#dueMs = this.nowMs
        break
      case 'agent-killed':
        this.memory = NOTHING_KNOWN
        this.#lastOutage = null
        this.steps.length = 0
        this.last = null
        this.#running = []
        this.#dueMs = this.nowMs
        break
      case 'session-gone':
        this.#end(this.sessions[0]?.sid)
        break
      case 'someone-unqueues':
        if (this.map) this.map.queueing = false
        break
      case 'clock-set':
        this.wallMs += 3_600_000
        break
      case 'users-leave':
        this.hasUsers = false
        break
      case 'users-come':
        this.hasUsers = true
        break
      case 'writer-starts':
      case 'writer-stops':
        this.isWriting = event === 'writer-starts'
        break
      case 'detach-works':
      case 'detach-killed':
      case 'attached-again':
        if (this.isWorkedOn) this.#workedMs = this.nowMs
        if (!this.isReady) this.#readyMs = this.nowMs
        // The record changes with the first and the last.
        if (this.isReady !== (event === 'attached-again')) this.#dueMs = this.nowMs
        this.isReady = event === 'attached-again'
        this.isWorkedOn = event === 'detach-works'
        break
    }
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    for (const end = this.nowMs + milliseconds; this.nowMs < end;) this.#tick()
  }

  /** Whether I/O goes through, and the agent has nothing left to do. */
  get isWell(): boolean {
    const { map, note, last } = this
    const carries = map?.paths.some(
      ({ devno, active }) => active && this.#byDevno(devno)?.state === 'LOGGED_IN',
    )
    return carries === true && map?.queueing === true && note === null && last?.isSettled === true
  }

  #tick(): void {
    this.nowMs += TICK_MS
    this.wallMs += TICK_MS
    this.#kernel()
    this.#write()
    for (const running of this.#running.slice()) this.#proceed(running)
    const watched = JSON.stringify(
      this.sessions.map(({ sid, state, connection, disk }) => [sid, state, connection, disk]),
    )
    if (watched !== this.#watched && this.last?.reactsToChanges !== false) this.#dueMs = this.nowMs
    this.#watched = watched
    if (this.last?.isSettled && (!this.map?.queueing || this.#kernelFailed())) this.#dueMs = this.nowMs
    if (this.nowMs >= this.#checkMs) this.#checkIdentities()
    if (this.nowMs >= this.#dueMs || this.#portalOpened()) this.#look()
    this.#judge()
  }

  /** Kernel events, and the survey of maps. */
  #kernelFailed(): boolean {
    return this.memory.carrying.some(
      (devno) => !this.map?.paths.some((path) => path.active && path.devno === devno),
    )
  }

  #portalOpened(): boolean {
    return (this.last?.probes ?? []).some(({ portal }) => this.#isUp(portal))
  }

  #kernel(): void {
    for (const session of this.sessions) {
      if (!this.#isUp(session.portal)) {
        session.state = 'FAILED'
        if (session.disk) session.disk.state = 'transport-offline'
        session.mendsMs = this.nowMs + RELOGIN_MS
      } else if (session.state === 'FAILED' && this.nowMs >= session.mendsMs) {
        session.state = 'LOGGED_IN'
        this.#reconnect(session)
      } else if (session.disk && session.state === 'LOGGED_IN') session.disk.state = 'running'
    }
  }

  #reconnect(session: FakeSession): void {
    session.connection++
    session.unprovenMs = this.nowMs
  }

  #write(): void {
    const { map } = this
    if (map === null) return
    if (this.isWriting && this.isMounted && this.hasUsers && this.nowMs % 500 === 0)
      this.queued.push(this.nowMs)
    if (this.queued.length === 0) return
    for (const path of map.paths) {
      if (!path.active) continue
      const session = this.#byDevno(path.devno)
      if (!session || session.state !== 'LOGGED_IN' || this.failsIo || this.lun === 'absent') {
        path.active = false
        continue
      }
      if (this.givenUp !== null) throw new Violation(`I/O of a volume that is ${this.givenUp}`)
      this.#written += this.queued.length
      this.completed += this.queued.length
      this.queued = []
      const unprovenMs = Math.max(session.unprovenMs, this.#workedMs)
      if (
        !this.isWorkedOn &&
        session.provenConnection !== session.connection &&
        this.nowMs - unprovenMs > SLACK_MS
      )
        throw new Violation('I/O goes on through a path that has not been verified since it came back')
      return
    }
    if (map.queueing) return
    this.errors += this.queued.length
    this.completed += this.queued.length
    this.queued = []
  }

  #checkIdentities(): void {
    this.#checkMs = this.nowMs + CHECK_INTERVAL_MS
    // A detach that is at work asks the disks itself (agent/identity-checks.ts).
    if (this.isWorkedOn) return
    const moved = this.#written > this.#writtenAtCheck ? 'I/O went there' : null
    for (const sid of this.last?.checks ?? []) {
      const session = this.sessions.find((one) => one.sid === sid)
      if (!session?.disk) continue
      const answer = this.#answerOf(session)
      if (answer !== 'foreign' && answer !== 'absent' && answer !== 'lost') continue
      const { devno } = session.disk
      const refused = { cause: answer, message: `${devno} is ${answer}` }
      const loss = {
        sid,
        devno,
        connection: String(session.connection),
        refused,
        moved: answer === 'foreign' ? moved : null,
      }
      const taken = takeLoss(this.#facts(), this.memory, loss)
      this.memory = taken.memory
      this.#act(taken.steps)
      this.#dueMs = Math.min(this.#dueMs, taken.lookAtMs)
    }
    this.#writtenAtCheck = this.#written
  }

  #look(): void {
    const plan = this.#planner.plan(this.#facts(), this.memory)
    this.last = plan
    this.memory = plan.memory
    this.#dueMs = plan.lookAtMs
    this.#act(plan.steps)
    this.#agrees(plan)
  }

  /** What is printed, and what the kernel does with I/O. */
  #agrees({ state }: HoldPlan): void {
    const { map, note } = this
    if (!this.isReady && state === 'detaching') {
      if (this.givenUp !== null) throw new Violation(`detaching, and it is ${this.givenUp}`)
      return
    }
    const printed =
      note === null
        ? 'ready'
        : note.kind === 'misplaced' || note.kind === 'fenced'
          ? note.kind
          : note.ended === null
            ? 'holding'
            : 'failed'
    const isAbsent = map === null && note === null && state === 'failed'
    if (state !== printed && !isAbsent) throw new Violation(`the agent says ${state}, and records ${printed}`)
    if (map === null) return
    const hasPath = map.paths.some(({ active }) => active)
    if (state === 'holding' && !map.queueing) throw new Violation('holding, and I/O fails')
    if (state === 'ready' && !map.queueing) throw new Violation('ready, and the next outage is an error')
    if (state === 'ready' && !hasPath) throw new Violation('ready, without a path')
    if (state === 'failed' && !hasPath && map.queueing) throw new Violation('failed, and I/O waits')
    if ((state === 'misplaced' || state === 'fenced') && map.queueing && !this.memory.isAttaching)
      throw new Violation(`${state}, and I/O waits`)
  }

  #facts(): HoldFacts {
    const opened = (portal: string) => this.#isUp(portal)
    return {
      nowMs: this.nowMs,
      wallMs: this.wallMs,
      mode: 'map',
      wanted: this.wanted,
      shutdown: null,
      note: this.#restamped(),
      isOrchestrated: this.isOrchestrated,
      volumes: 1,
      map:
        this.map === null
          ? 'absent'
          : { queueing: this.map.queueing, paths: this.map.paths.map((path) => ({ ...path })) },
      paths: this.sessions.flatMap(({ sid, portal, state, connection, disk }) =>
        disk
          ? [
              {
                sid,
                portal,
                devno: disk.devno,
                disk: `sd${sid}`,
                sessionState: state,
                diskState: disk.state,
                connection: String(connection),
              },
            ]
          : [],
      ),
      portals: PORTALS.map((portal) => {
        const serving = this.sessions.filter((session) => session.portal === portal)
        const session = serving.find(({ state }) => state === 'LOGGED_IN') ?? serving[0]
        return {
          portal,
          session: session ? { sid: session.sid, state: session.state, disks: 1, isAllHeld: true } : null,
          probe: {
            openSinceMs: opened(portal) ? this.nowMs : null,
            confirmedMs: this.nowMs,
            closed: 'refused',
          },
        }
      }),
      io: { completed: this.completed, inFlight: 0 },
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
    return { ...note, since: new Date(this.wallMs - (this.nowMs - note.sinceMs)).toISOString() }
  }

  #act(steps: readonly HoldStep[]): void {
    for (const step of steps) {
      if (step.kind === 'say' || step.kind === 'warm-worker' || step.kind === 'search-portal') continue
      this.#say(JSON.stringify(step))
      if (!this.isReady && !isGuarding(step, this))
        throw new Violation(`${step.kind} of a volume that is being detached`)
      switch (step.kind) {
        case 'record':
          this.#record(step.note)
          break
        case 'queue':
          this.map!.queueing = step.on
          break
        case 'fail':
          for (const path of this.map?.paths ?? []) if (path.devno === step.devno) path.active = false
          break
        case 'drop-disk':
          this.#drop(step.sid)
          break
        case 'empty-map':
          // A table that is loaded queues.
          this.map = { queueing: true, paths: [] }
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
    const before = this.note
    if (note === null && before !== null && before.ended !== null && before.kind !== 'misplaced') {
      if (this.#recoveredMs === null || this.#endedMs === null || this.#recoveredMs < this.#endedMs)
        throw new Violation('I/O goes on after its hold was over, without a recovery')
    }
    if (note === null && (before?.kind === 'fenced' || before?.kind === 'misplaced'))
      throw new Violation(`the agent forgets that the volume is ${before.kind}`)
    if (note?.ended === 'deadline' && before?.ended === null) this.#mayEnd(note)
    if (note?.ended === null && before === null) this.#mayBegin(note)
    if (note === null && before?.sinceMs !== undefined)
      this.#lastOutage = { sinceMs: before.sinceMs, endedMs: this.nowMs }
    if (note && note.ended !== null && before?.ended !== note.ended) this.#endedMs = this.nowMs
    if (note?.kind === 'misplaced' || note?.kind === 'fenced') {
      if (this.givenUp === 'fenced' && note.kind === 'misplaced') throw new Violation('no longer fenced')
      this.givenUp = note.kind
      // What is on its way in this very moment is not the planner's.
      for (const path of this.map?.paths ?? []) path.active = false
    }
    this.note = note
  }

  /** I/O that fails so soon after a return, though the target answers, goes on with the outage before. */
  #mayBegin(note: HoldNote): void {
    const last = this.#lastOutage
    if (last === null || this.nowMs - last.endedMs >= 30_000 || note.sinceMs === last.sinceMs) return
    const failed = this.map?.paths.filter(({ active }) => !active) ?? []
    if (failed.some(({ devno }) => this.#byDevno(devno)?.disk?.state === 'running'))
      throw new Violation('I/O that fails soon after a return begins a new hold')
  }

  #mayEnd(note: HoldNote): void {
    const held = this.nowMs - (note.sinceMs ?? 0)
    if (this.nowMs - this.#wantedMs < SLACK_MS) return
    if (typeof this.wanted === 'number' && held < this.wanted * 1000)
      throw new Violation(`a hold of ${this.wanted} s ends after ${held} ms`)
  }

  #proceed(running: Running): void {
    const { step } = running
    switch (step.kind) {
      case 'verify': {
        const session = this.sessions.find(({ sid }) => sid === step.sid)
        const answer =
          session && String(session.connection) === step.connection ? this.#answerOf(session) : 'unreachable'
        if (answer === 'proven') session!.provenConnection = session!.connection
        const refused = answer === 'proven' ? null : { cause: answer, message: `it is ${answer}` }
        return this.#finish(running, { kind: 'verify', step, refused })
      }
      case 'recover':
        return this.#recover(running)
      case 'clear':
        if (this.givenUp === null) throw new Violation('a volume is cleared that was not given up')
        if (!this.hasUsers && this.map && this.map.paths.some(({ active }) => active))
          throw new Violation('it is unmounted while a path is there')
        if (this.hasUsers) return this.#finish(running, { kind: 'clear', users: 'cat[1]' })
        this.isMounted = false
        this.queued = []
        if (this.note?.kind === 'fenced') this.map = null
        if (this.note) this.note = { ...this.note, isClear: true }
        return this.#finish(running, { kind: 'clear', users: null })
      case 'attach':
        return this.#attach(running)
      case 'return':
        return this.#bringBack(running, step)
    }
  }

  #recover(running: Running): void {
    const path = this.map?.paths.find(({ active }) => active)
    const session = path && this.#byDevno(path.devno)
    if (!session || this.failsIo || this.#answerOf(session) !== 'proven')
      return this.#finish(running, { kind: 'recover-failed', message: 'the volume does not answer' })
    this.#recoveredMs = this.nowMs
    this.#finish(running, { kind: 'recover', trouble: null })
  }

  #attach(running: Running): void {
    if (this.givenUp === 'fenced') throw new Violation('a fenced volume is taken back')
    if (this.givenUp === 'misplaced' && this.isMounted)
      throw new Violation('a misplaced volume is attached in use')
    const portal = PORTALS.find((one) => this.#isUp(one))
    const { step } = running
    if (step.kind !== 'attach') return
    if (portal === undefined || this.lun !== 'volume' || this.owner !== 'us' || this.failsIo)
      return this.#finish(running, { kind: 'failed', step, message: 'it cannot be attached' })
    const session =
      this.sessions.find((one) => one.portal === portal && one.state === 'LOGGED_IN') ?? this.#logIn(portal)
    session.disk ??= { devno: `8:${session.sid}`, state: 'running' }
    session.provenConnection = session.connection
    this.map = { queueing: true, paths: [{ devno: session.disk.devno, active: true }] }
    this.isMounted = true
    this.givenUp = null
    this.note = null
    this.#finish(running, { kind: 'attach' })
  }

  #bringBack(running: Running, step: StepOf<'return'>): void {
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
    const serving = this.sessions.find(({ portal }) => portal === step.portal) ?? null
    const session = this.sessions.find(({ sid }) => sid === running.sid) ?? null
    switch (next) {
      case 'search-lun':
        if (!this.#isUp(step.portal)) return
        if (this.lun !== 'volume') return refuse('foreign')
        running.foundHere = true
        return
      case 'log-out':
        if (serving && serving.state !== 'LOGGED_IN') this.#end(serving.sid)
        return
      case 'make-path': {
        if (!this.#isUp(step.portal)) return refuse('unreachable')
        if (serving && serving.state !== 'LOGGED_IN') return refuse('unreachable')
        const made = serving ?? this.#logIn(step.portal)
        if (this.lun === 'absent') return refuse('absent')
        made.disk ??= { devno: `8:${made.sid}`, state: 'running' }
        running.sid = made.sid
        if (this.lun !== 'foreign') return
        this.#drop(made.sid)
        return refuse('foreign')
      }
      case 'verify': {
        if (!session?.disk) return refuse('unreachable')
        const answer = this.#answerOf(session)
        if (answer === 'foreign') this.#drop(session.sid)
        if (answer !== 'proven') return refuse(answer)
        running.connection = session.connection
        running.isVerified = true
        return
      }
      case 'reinstate':
      case 'load-table': {
        if (!session?.disk || this.map === null) return refuse('unreachable')
        // As hold/return-path.ts does it: a connection that was replaced since is not the one that was asked.
        if (running.isVerified && running.connection !== session.connection) return refuse('unreachable')
        if (!running.isVerified)
          throw new Violation(`${next} of a path that has not been verified since it came back`)
        if (this.givenUp !== null) return refuse('unreachable')
        session.provenConnection = session.connection
        const { devno } = session.disk
        const others = this.map.paths.filter((path) => path.devno !== devno && path.active)
        if (next === 'load-table') this.map = { queueing: true, paths: [...others, { devno, active: true }] }
        else for (const path of this.map.paths) if (path.devno === devno) path.active = true
        this.steps.push({ atMs: this.nowMs, step: next })
        if (
          this.steps.filter(({ step, atMs }) => step === 'reinstate' && this.nowMs - atMs < 10_000).length >
          MOST_REINSTATES
        )
          throw new Violation('a target that fails I/O gets it again without a pause')
        const came: Returned = {
          kind: next === 'reinstate' ? 'reinstated' : 'loaded',
          path: { sid: session.sid, devno, connection: String(session.connection) },
        }
        return this.#finish(running, { kind: 'return', step, came })
      }
      case undefined:
        return refuse('unreachable')
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

  #judge(): void {
    // What waits then waits for the next detach.
    if (!this.isReady) return
    // How long a write may wait at most: what is wanted, whatever was wanted before.
    const [first] = this.queued
    const longest = typeof this.wanted === 'number' ? Math.max(this.wanted, 0) * 1000 : Infinity
    const since = Math.max(first ?? this.nowMs, this.#wantedMs - longest, this.#readyMs)
    if (
      first !== undefined &&
      this.nowMs - since > longest + SLACK_MS &&
      this.map?.queueing &&
      !this.#isTried()
    )
      throw new Violation(`I/O waits for ${this.nowMs - first} ms, and its hold is ${String(this.wanted)} s`)
  }

  /** A path carries I/O in this moment: it is being tried. */
  #isTried(): boolean {
    return this.map?.paths.some(({ active }) => active) === true
  }

  #answerOf(session: FakeSession): 'proven' | Refusal {
    if (session.state !== 'LOGGED_IN' || !this.#isUp(session.portal)) return 'unreachable'
    if (this.lun !== 'volume') return this.lun
    return this.owner === 'us' ? 'proven' : this.owner === 'other' ? 'lost' : 'unknown'
  }

  #isUp(portal: string): boolean {
    return this.up[PORTALS.indexOf(portal as (typeof PORTALS)[number])] === true
  }

  #byDevno(devno: string): FakeSession | undefined {
    return this.sessions.find(({ disk }) => disk?.devno === devno)
  }

  #logIn(portal: string): FakeSession {
    const sid = ++this.#sids
    const session: FakeSession = {
      sid,
      portal,
      state: 'LOGGED_IN',
      connection: 1,
      mendsMs: 0,
      disk: { devno: `8:${sid}`, state: 'running' },
      provenConnection: null,
      unprovenMs: this.nowMs,
    }
    this.sessions.push(session)
    return session
  }

  #end(sid: number | undefined): void {
    const at = this.sessions.findIndex((session) => session.sid === sid)
    if (at >= 0) this.sessions.splice(at, 1)
  }

  #drop(sid: number): void {
    const session = this.sessions.find((one) => one.sid === sid)
    if (!session?.disk) return
    const { devno } = session.disk
    session.disk = null
    if (this.map) this.map = { ...this.map, paths: this.map.paths.filter((path) => path.devno !== devno) }
  }

  #say(line: string): void {
    this.log.push(`${this.nowMs - 1_000_000}: ${line}`)
  }
}

/**
 * What the agent may do to a volume whose detach has begun. While it is at work: only what the result of a question calls
 * for that was under way before, and a record in the note of an outage that began before.
 */
function isGuarding(
  step: HoldStep,
  { note, isWorkedOn }: Pick<FakeHoldNode, 'note' | 'isWorkedOn'>,
): boolean {
  if (step.kind === 'record')
    return note !== null || step.note?.kind === 'misplaced' || step.note?.kind === 'fenced'
  if (step.kind === 'queue') return !step.on
  if (step.kind === 'fail' || step.kind === 'drop-disk') return true
  if (step.kind === 'empty-map') return isGivenUp(note)
  return !isWorkedOn && step.kind === 'verify'
}
