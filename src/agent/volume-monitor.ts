import { setTimeout as sleep } from 'node:timers/promises'

import { momentNow } from '../host/clock.ts'
import { refusedBy } from '../hold/refusals.ts'
import type { Attachment } from '../model/attachment.ts'
import type { LunkeeperError } from '../model/errors.ts'
import type { HoldFacts } from '../model/plan/hold-facts.ts'
import type { HoldMemory } from '../model/plan/hold-memory.ts'
import type { HoldPlan } from '../model/plan/hold-plan.ts'
import type { HoldStep, LastingStep, StepOf } from '../model/plan/hold-steps.ts'
import { NOTHING_KNOWN } from '../model/plan/hold-memory.ts'
import { isAsPlanned } from '../model/plan/hold-map.ts'
import type { Taken } from '../model/plan/hold-results.ts'
import { afterStep, takeLoss } from '../model/plan/hold-results.ts'
import { planHold } from '../model/plan/hold.ts'
import { returnedSinceMs } from '../model/plan/hold-returned.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import { safeHold } from '../model/safe-hold.ts'
import { isWorkedOnByCommand } from '../state/records/locks.ts'
import { readShutdownGrace } from '../state/records/shutdown-grace.ts'
import type {
  AgentContext,
  Asked,
  HoldBackend,
  Observation,
  ReadSessions,
  StepWork,
} from './backends/backend.ts'
import { HoldNoteFile } from './hold-note-file.ts'
import type { CheckedPath } from './identity-checks.ts'
import { measured, withMeasuredLoss } from './measured-loss.ts'
import { failedStep, isLasting, runImmediate, runLasting } from './run-step.ts'
import { OutageHistory } from './outage-history.ts'
import { hasChanged, NO_ATTRIBUTES } from './watched-attributes.ts'

/** The prefix of the keys under which volumes are scheduled. */
export const VOLUME = 'volume '

/**
 * Monitors one volume: observes it, asks the planner (src/model/plan/hold.ts) what to do, and does that. It makes
 * no decisions of its own.
 */
export class VolumeMonitor {
  readonly #context: AgentContext
  readonly #backend: HoldBackend
  readonly #note: HoldNoteFile
  readonly #history: OutageHistory
  #memory: HoldMemory = NOTHING_KNOWN
  #plan: HoldPlan | null = null
  #seen: Observation | null = null
  #isWorkedOn = false
  #isLooking = false
  #looksAgain = false
  #isLeft = false
  record: Attachment

  constructor(context: AgentContext, backend: HoldBackend, record: Attachment) {
    this.#context = context
    this.#backend = backend
    this.record = record
    this.#history = new OutageHistory(context.host)
    this.#note = new HoldNoteFile(context.host, record.name, context.log, (before, after) =>
      this.#history.keep(this.record, before, after),
    )
    this.lookNow()
  }

  /** The key under which the volume is scheduled. */
  get key(): string {
    return `${VOLUME}${this.record.name}`
  }

  get attributes() {
    return this.#seen?.attributes ?? NO_ATTRIBUTES
  }

  get probes(): HoldPlan['probes'] {
    return this.#plan?.probes ?? []
  }

  /** Nothing is left to do for the volume. */
  get isSettled(): boolean {
    return this.#plan?.isSettled === true
  }

  /** The volume is not usable, and no path carries its I/O. */
  get isLost(): boolean {
    return this.#plan !== null && !this.#plan.isSettled && this.#memory.carrying.length === 0
  }

  /** The volume has no map, or is still being attached: after a reboot. */
  get isRestoring(): boolean {
    return this.#plan?.isRestoring !== false
  }

  isNoteChangedByOthers(): boolean {
    return this.#note.isChangedByOthers()
  }

  lookNow(): void {
    this.#context.schedule.now(this.key)
  }

  /** Schedules a look if one of the changed attributes belongs to the volume. */
  react(changed: ReadonlySet<string>): void {
    if (this.#plan?.reactsToChanges !== false && hasChanged(this.attributes, changed)) this.lookNow()
  }

  /** Schedules a look if the kernel does not use a settled map as planned. */
  compare(state: HoldMapState | undefined): void {
    if (this.isSettled && !isAsPlanned(this.#memory, state)) this.lookNow()
  }

  /** Observes, plans, and acts; long operations continue in the background. Never throws. */
  async look(sessions: ReadSessions): Promise<void> {
    if (this.#isLooking) {
      this.#looksAgain = true
      return
    }
    this.#isLooking = true
    try {
      const plan = await this.#observeAndPlan(sessions)
      this.#plan = plan
      this.#memory = plan.memory
      this.#context.schedule.by(this.key, plan.lookAtMs)
      await this.#act(plan.steps)
    } catch (error) {
      this.#context.log.once(this.record.name, 'look', String(error))
      this.#context.schedule.by(this.key, momentNow().sinceMs + LOOK_AFTER_ERROR_MS)
    } finally {
      this.#isLooking = false
      if (this.#looksAgain) this.lookNow()
      this.#looksAgain = false
    }
  }

  async #observeAndPlan(sessions: ReadSessions): Promise<HoldPlan> {
    let asked: Asked = {}
    for (;;) {
      const seen = await this.#backend.observe(this.record, sessions, asked)
      const isWorkedOn = !seen.facts.isReady && (await isWorkedOnByCommand(this.#context.host, this.record))
      this.#isWorkedOn = isWorkedOn
      const facts = this.#factsOf(seen, isWorkedOn)
      this.#history.backMs = returnedSinceMs(facts, this.#memory)
      const plan = planHold(facts, this.#memory)
      this.#seen = seen
      if (plan.ask === null) return plan
      asked = { ...asked, ...(await this.#backend.ask(plan.ask, this.record)) }
    }
  }

  #factsOf(seen: Observation, isWorkedOn: boolean): HoldFacts {
    const { host, volumes } = this.#context
    return {
      ...this.#frame(),
      ...seen.facts,
      isWorkedOn,
      shutdown: readShutdownGrace(host),
      isOrchestrated: this.record.orchestrator !== undefined,
      volumes: volumes(this.record),
      witnessBackMs: host.witnesses.backMs,
    }
  }

  /** Steps follow a look. */
  get #work(): StepWork {
    return { record: this.record, seen: this.#seen! }
  }

  #now(): Pick<HoldFacts, 'nowMs' | 'wallMs'> {
    const now = momentNow()
    return { nowMs: now.sinceMs, wallMs: Date.parse(now.since) }
  }

  #frame(): Pick<HoldFacts, 'nowMs' | 'wallMs' | 'wanted' | 'mode' | 'note'> {
    return {
      ...this.#now(),
      wanted: safeHold(this.record),
      mode: this.record.mode ?? 'session',
      note: this.#note.read(),
    }
  }

  /** Does the planned steps in order. @throws the first failure; lasting steps get it as their result */
  async #act(steps: readonly HoldStep[]): Promise<void> {
    let failure: unknown
    for (let at = 0; at < steps.length; at++) {
      const step = steps[at]!
      if (step.kind === 'record') {
        if (!this.#isLeft) this.#note.write(step.note)
      } else if (step.kind === 'say') this.#say(step)
      else if (isLasting(step)) void this.#start(step, failure)
      else if (failure === undefined) {
        // One program fails all paths that are to be failed together.
        const equal = steps.slice(at).findIndex(({ kind }) => kind !== step.kind)
        const together = step.kind === 'fail' ? steps.slice(at, equal < 0 ? undefined : at + equal) : [step]
        at += together.length - 1
        const done = await Promise.allSettled(
          together.map((one) => runImmediate(this.#backend, one, this.#work)),
        )
        failure = done.find((one) => one.status === 'rejected')?.reason
      }
    }
    if (failure !== undefined) throw failure
  }

  /**
   * The agent stops monitoring the volume: counted events go into the history, and later results are ignored. If
   * one of them left a note, the note would outlive the record.
   */
  leave(): void {
    this.#isLeft = true
    this.#history.drain(this.record)
  }

  #say({ about, text, code, seconds }: StepOf<'say'>): void {
    const { log } = this.#context
    const fields = { ...(code ? { code } : {}), ...(seconds === undefined ? {} : { seconds }) }
    if (about === null) log.say(this.record.name, text, fields)
    else log.once(this.record.name, about, text)
  }

  /** @param failure of an earlier step, if any: this step is then not started, and fails with it */
  async #start(step: LastingStep, failure: unknown): Promise<void> {
    const { schedule, log } = this.#context
    try {
      const result =
        failure === undefined ? await runLasting(this.#backend, step, this.#work) : failedStep(step, failure)
      const taken = await this.#takeIn(step.kind, () =>
        afterStep(this.#frame(), this.#memory, withMeasuredLoss(this.#context.host, this.record, result)),
      )
      if (taken) await this.#proceed(taken)
    } catch (error) {
      log.once(this.record.name, step.kind, String(error))
      schedule.now(this.key)
    }
  }

  /**
   * Takes in a result, and retries until that works: at times, no file can be opened for a moment. A step whose
   * result was lost would count as under way forever. @returns null: the agent no longer monitors the volume
   */
  async #takeIn(about: string, take: () => Taken): Promise<Taken | null> {
    const { signal, log } = this.#context
    while (!signal.aborted && !this.#isLeft) {
      try {
        const taken = take()
        this.#memory = taken.memory
        return taken
      } catch (error) {
        log.once(this.record.name, about, String(error))
        await sleep(LOOK_AFTER_ERROR_MS, undefined, { signal, ref: false }).catch(() => {})
      }
    }
    return null
  }

  /** Does at once the steps that a result requires. */
  async #proceed({ steps, lookAtMs }: Taken): Promise<void> {
    try {
      await this.#act(steps)
    } finally {
      this.#context.schedule.by(this.key, lookAtMs)
    }
  }

  /** The paths that carry its I/O, for the periodic check of which volume answers. */
  checkedPaths(): CheckedPath[] {
    const { record } = this
    const seen = this.#seen
    if (!seen) return []
    return (this.#plan?.checks ?? []).flatMap((sid) => {
      const disk = seen.checkedDisk(sid)
      const lose: CheckedPath['lose'] = (error, moved) => this.#lose(sid, error, moved)
      return disk ? [{ record, disk, isWorkedOn: this.#isWorkedOn, lose }] : []
    })
  }

  /** What has gone through a path, measured once the hold map sends nothing more through it. */
  async #stopped(devno: string, moved: () => string | null): Promise<string | null> {
    if (this.record.mode !== 'map') return moved()
    try {
      await runImmediate(this.#backend, { kind: 'fail', devno }, this.#work)
      return moved()
    } catch (error) {
      return moved() ?? `it could not be stopped: ${String(error)}`
    }
  }

  /** Another volume answers on a path, no volume answers, or another node owns the volume. */
  async #lose(sid: number, error: LunkeeperError, moved: () => string | null): Promise<void> {
    const path = this.#seen?.facts.paths.find((one) => one.sid === sid)
    if (!path || this.#isLeft) return
    const { devno, connection } = path
    const loss = {
      sid,
      devno,
      connection,
      refused: measured(this.#context.host, this.record, refusedBy(error)),
      moved: await this.#stopped(devno, moved),
    }
    const taken = await this.#takeIn('identity', () => takeLoss(this.#frame(), this.#memory, loss))
    if (taken) await this.#proceed(taken)
  }
}

/** After a failed look, the next one is delayed. */
const LOOK_AFTER_ERROR_MS = 1_000
