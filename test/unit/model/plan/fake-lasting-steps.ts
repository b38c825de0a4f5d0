import type { Refusal } from '../../../../src/model/plan/hold-facts.ts'
import type {
  LastingStep,
  Returned,
  ReturnStep,
  StepOf,
  StepResult,
} from '../../../../src/model/plan/hold-steps.ts'
import type { FakeIscsi, FakeSession } from './fake-iscsi.ts'
import { PORTALS } from './fake-iscsi.ts'
import type { HoldJudge, Noted } from './hold-judge.ts'

interface Running {
  readonly step: LastingStep
  readonly plan: ReturnStep[]
  foundHere: boolean
  sid: number | null
  connection: number | null
  isVerified: boolean
  /** The kernel has used the path since the last tick: the step ends now. */
  returned: Returned | null
}

/** The lasting steps of the agent: each tick does one part of each, as in src/hold and src/volumes. */
export class FakeLastingSteps {
  readonly #iscsi: FakeIscsi
  readonly #judge: HoldJudge
  readonly #noted: Noted
  readonly #ended: (result: StepResult) => void
  #running: Running[] = []

  /** @param ended takes the result of a step */
  constructor(iscsi: FakeIscsi, judge: HoldJudge, noted: Noted, ended: (result: StepResult) => void) {
    this.#iscsi = iscsi
    this.#judge = judge
    this.#noted = noted
    this.#ended = ended
  }

  begin(step: LastingStep): void {
    this.#running.push({
      step,
      plan: step.kind === 'return' ? [...step.steps] : [],
      foundHere: false,
      sid: step.kind === 'return' ? (step.path?.sid ?? null) : null,
      connection: null,
      isVerified: false,
      returned: null,
    })
  }

  /** The agent was killed. */
  forget(): void {
    this.#running = []
  }

  proceed(): void {
    for (const running of this.#running.slice()) this.#proceed(running)
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
        return this.#reinstateFailedPaths(running, step)
    }
  }

  #finish(running: Running, result: StepResult): void {
    this.#running = this.#running.filter((one) => one !== running)
    this.#ended(result)
  }

  #verify(running: Running, step: StepOf<'verify'>): void {
    const session = this.#iscsi.bySid(step.sid)
    const answer =
      session && String(session.connection) === step.connection
        ? this.#iscsi.answerOf(session)
        : 'unreachable'
    if (answer === 'proven') session!.provenConnection = session!.connection
    const refused = answer === 'proven' ? null : { cause: answer, message: `it is ${answer}` }
    this.#finish(running, { kind: 'verify', step, refused })
  }

  #recover(running: Running): void {
    const iscsi = this.#iscsi
    const path = iscsi.map?.paths.find(({ active }) => active)
    const session = path && iscsi.byDevno(path.devno)
    if (!session || iscsi.failsIo || iscsi.answerOf(session) !== 'proven')
      return this.#finish(running, {
        kind: 'recover-failed',
        refused: { cause: 'unreachable', message: 'the volume does not answer' },
      })
    this.#judge.recovered()
    this.#finish(running, { kind: 'recover', trouble: null })
  }

  #clear(running: Running): void {
    const iscsi = this.#iscsi
    this.#judge.clears()
    if (iscsi.hasUsers) return this.#finish(running, { kind: 'clear', users: 'cat[1]' })
    iscsi.isMounted = false
    iscsi.queued = []
    if (this.#noted.note?.kind === 'fenced') iscsi.map = null
    if (this.#noted.note) this.#noted.note = { ...this.#noted.note, isClear: true }
    this.#finish(running, { kind: 'clear', users: null })
  }

  #attach(running: Running, step: StepOf<'attach'>): void {
    const iscsi = this.#iscsi
    this.#judge.attaches()
    const portal = PORTALS.find((one) => iscsi.isUp(one))
    if (portal === undefined || iscsi.lun !== 'volume' || iscsi.owner !== 'us' || iscsi.failsIo)
      return this.#finish(running, {
        kind: 'failed',
        step,
        refused: {
          cause: iscsi.owner === 'us' ? 'unreachable' : 'lost',
          message: 'it cannot be attached',
        },
      })
    const session =
      iscsi.sessions.find((one) => one.portal === portal && one.state === 'LOGGED_IN') ?? iscsi.logIn(portal)
    session.disk ??= { devno: `8:${session.sid}`, state: 'running' }
    session.provenConnection = session.connection
    iscsi.map = { queueing: true, paths: [{ devno: session.disk.devno, active: true }] }
    iscsi.isMounted = true
    this.#judge.givenUp = null
    this.#noted.note = null
    this.#finish(running, { kind: 'attach' })
  }

  #reinstateFailedPaths(running: Running, step: StepOf<'return'>): void {
    const iscsi = this.#iscsi
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
    if (running.returned) return this.#finish(running, { kind: 'return', step, came: running.returned })
    const next = running.plan.shift()
    const isLast = running.plan.length === 0
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
        if (isLast) this.#finish(running, { kind: 'return', step, came: { kind: 'logged-out' } })
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
        if (isLast) running.returned = { kind: 'verified', path: pathOf(session, session.disk.devno) }
        return
      }
      case 'reinstate':
      case 'load-table': {
        // As in hold/return-path.ts: if the connection was replaced since, it is not the one that was asked.
        if (!session?.disk || iscsi.map === null) return refuse('unreachable')
        if (running.isVerified && running.connection !== session.connection) return refuse('unreachable')
        // The kernel sends held writes, and may fail the path, before the step has ended.
        running.returned = this.#use(session, session.disk.devno, next, running.isVerified)
        return running.returned === null ? refuse('unreachable') : undefined
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
    this.#judge.uses(how, isVerified)
    if (this.#judge.givenUp !== null) return null
    session.provenConnection = session.connection
    this.#iscsi.usePath(devno, how)
    return {
      kind: how === 'reinstate' ? 'reinstated' : 'loaded',
      path: pathOf(session, devno),
    }
  }
}

const pathOf = ({ sid, connection }: FakeSession, devno: string) => ({
  sid,
  devno,
  connection: String(connection),
})
