import { clearMisplaced, isCleared, isMisplaced } from '../volumes/holding/misplaced.ts'
import { takeOutAll } from '../volumes/holding/map-paths.ts'
import { prove } from '../hold/return.ts'
import { expel } from '../hold/expel.ts'
import type { Host } from '../host/host.ts'
import { findHoldMap, holdMapName } from '../host/map/hold-map.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import type { LunkeeperError } from '../model/errors.ts'
import { isLunkeeperError } from '../model/errors.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import { formatPortal } from '../model/portal.ts'
import type { DmMap, Session } from '../model/snapshot.ts'
import { attach } from '../volumes/attach/attach.ts'
import type { VolumeView } from '../state/view/volume.ts'
import { lookAtVolume } from '../state/view/volume.ts'
import { stepper } from '../volumes/step.ts'
import type { Gates } from './gate.ts'
import type { KnownMaps } from './known-maps.ts'
import type { AgentLog } from './log.ts'
import { Outage } from './outage.ts'
import type { PathNow } from './path-now.ts'
import { connectionSign, isAt, pathsNow } from './path-now.ts'
import type { Signs } from './signs.ts'
import { NO_SIGNS, showsIn, signsOf } from './signs.ts'
import { Way } from './way.ts'

/**
 * While not all is well it is looked at this often, although nothing shows; of many volumes each less often, for a
 * look takes milliseconds on a slow machine, which those need that are on their way back.
 */
const LOOK = 1_000
const LOOK_EACH = 40
/** Well below the time for which a gate asks on for somebody who waits at it (gate.ts). */
const LONGEST_LOOK = 4_000
/** Until what has just been made shows. */
const SOON = 300
/** Between two tries to attach a misplaced volume again. */
const REATTACH_INTERVAL_MS = 5_000
/** While it is not seen yet whether I/O goes through a path that is back. */
const TRIAL_LOOK_MS = 50

/**
 * A target that answers and fails I/O (no space, medium errors) would have its path reinstated and failed several times
 * a second: after the second failure in a row it is left alone, each time for longer.
 */
const FIRST_BACKOFF_MS = 500
const LONGEST_BACKOFF_MS = 10_000
/** Failures that are further apart than this are not a row. */
const ROW_MS = 60_000

/** What the agent shares with each volume that it keeps. */
export interface Keeping {
  readonly host: Host
  readonly maps: KnownMaps
  readonly gates: Gates
  readonly log: AgentLog
  readonly signal: AbortSignal
  /** There is something to look at: the next turn shall not wait. */
  readonly wake: () => void
  /** How many volumes there are. */
  readonly volumes: () => number
}

/** Keeps one volume on its hold map: sees its paths lost, brings them back, ends the hold in time. */
export class Keeper {
  readonly #with: Keeping
  readonly #outage: Outage
  readonly #ways = new Map<string, Way>()
  /** By session: the connection over which its disk last proved to be the volume; null while it is being asked. */
  readonly #proven = new Map<number, string | null>()
  /** By session: the connection over which it did not. It is asked again when it is brought back. */
  readonly #refused = new Map<number, string | null>()
  /** By session: how often I/O failed through its path while the target answered, and until when it is left alone. */
  readonly #ioFailures = new Map<number, { count: number; lastMs: number; untilMs: number }>()
  #paths: readonly PathNow[] = []
  #nextReattachMs = 0
  record: Attachment
  #signs = NO_SIGNS
  #carrying: readonly string[] = []
  /** When to look although nothing shows (milliseconds of the monotonic clock). */
  #due = 0
  #well = false
  #attaching = false
  #hasMap = true

  constructor(keeping: Keeping, record: Attachment) {
    this.#with = keeping
    this.record = record
    this.#outage = new Outage(keeping.host, keeping.maps, keeping.log, keeping.signal)
  }

  get signs(): Signs {
    return this.#signs
  }

  /** @param now milliseconds of the monotonic clock */
  isDue(now: number, changed: ReadonlySet<string>): boolean {
    if (now >= this.#due) return true
    return showsIn(this.#signs, changed) && !this.#isOnItsWay
  }

  /** Whether the kernel uses its map as it should be used. */
  agrees(states: ReadonlyMap<string, HoldMapState>): boolean {
    const state = states.get(holdMapName(this.record.name))
    const isActive = (wanted: string) => state?.paths.some(({ devno, active }) => active && devno === wanted)
    return !this.#well || (state?.queueing === true && this.#carrying.every(isActive))
  }

  get isWell(): boolean {
    return this.#well
  }

  /** It holds, and no portal of it answers. */
  get isLost(): boolean {
    return !this.#well && this.#carrying.length === 0
  }

  /** It has no map, or is being attached still: after a reboot. */
  get isRestoring(): boolean {
    return this.#attaching || !this.#hasMap
  }

  /** Somebody else wrote its hold note. */
  get isNoteNew(): boolean {
    return this.#outage.isNoteNew(this.record)
  }

  /** Nothing carries it, and each of its portals is being tried: a look would only take time from that. */
  get #isOnItsWay(): boolean {
    return this.isLost && this.#ways.size > 0 && [...this.#ways.values()].every(({ isBusy }) => isBusy)
  }

  /** From now on it is to be looked at. */
  stir(): void {
    this.#due = 0
  }

  /** Looks, and does what the moment needs; what takes long goes on by itself. */
  async tend(states: ReadonlyMap<string, HoldMapState>, sessions: readonly Session[]): Promise<void> {
    const { record } = this
    const { host, maps } = this.#with
    this.#well = false
    this.#due = performance.now() + Math.min(LONGEST_LOOK, Math.max(LOOK, LOOK_EACH * this.#with.volumes()))
    const sought = { ...record.request, wwid: record.identity?.wwid, owner: record.name }
    const view = lookAtVolume(host, sought, { sessions, bareMaps: false })
    this.#signs = withConnections(host, signsOf(host.paths, view), view)
    const map = view.maps.find(({ name }) => name === holdMapName(record.name))
    this.#hasMap = map !== undefined
    if (!map) return this.#attachAgain()
    const state = states.get(map.name)
    // Made after they were read.
    if (!state) return this.#lookAt(performance.now() + SOON)
    if (isMisplaced(host, record)) return this.#leaveMisplaced(map, state)
    const paths = pathsNow(host, view, state)
    // Numbers of sessions are not used again; those that are gone need not be known.
    for (const known of [this.#proven, this.#ioFailures])
      for (const sid of known.keys())
        if (!view.sessions.some(({ session }) => session.sid === sid)) known.delete(sid)
    this.#noticeFailedIo(paths)
    for (const path of paths) if (path.active && path.up) this.#proveOnce(path)
    const carrying = paths.filter((path) => path.active && path.up && this.#isProven(path))
    this.#carrying = carrying.map(({ disk }) => disk.devno)
    this.#paths = carrying
    if (carrying.length === 0) {
      const failedIo = paths.some((path) => path.inTable && path.up && !path.active)
      this.#outage.begin(record, { failedIo, device: map.device })
    }
    // The kernel fails a path when its I/O fails; one that was idle would be used again, whoever answers.
    const lost = state.paths.filter(({ devno, active }) => active && !this.#carrying.includes(devno))
    await Promise.all(lost.map(({ devno }) => maps.fail(map, devno)))
    let isOver = false
    if (carrying.length > 0) {
      isOver = await this.#outage.release(record, map, state.queueing)
      if (!isOver && this.#outage.isOnTrial(record)) this.#lookAt(performance.now() + TRIAL_LOOK_MS)
    } else {
      const deadline = await this.#outage.hold(record, map.name, state.queueing)
      if (deadline !== null) this.#lookAt(performance.now() + Math.max(0, deadline - Date.now()))
    }
    const whole = this.#bringMissing(map, view, paths, carrying)
    this.#well = isOver && whole && carrying.every(({ session }) => this.#proven.get(session.sid) !== null)
    if (!this.#well) return
    this.#due = Number.POSITIVE_INFINITY
    this.#ways.clear()
  }

  #lookAt(time: number): void {
    this.#due = Math.min(this.#due, time)
  }

  /** The path is reached by the connection over which it was proven; or it is just being asked for the first time. */
  #isProven({ session, connection }: PathNow): boolean {
    const known = this.#proven.get(session.sid)
    return known === null || known === connection
  }

  /** Paths that carried I/O a look ago, and that the kernel has failed although their target answers. */
  #noticeFailedIo(paths: readonly PathNow[]): void {
    for (const { session, disk, up, inTable, active } of paths) {
      if (!up || !inTable || active || !this.#carrying.includes(disk.devno)) continue
      const now = performance.now()
      const before = this.#ioFailures.get(session.sid)
      const count = before && now - before.lastMs < ROW_MS ? before.count + 1 : 1
      const pause = count < 2 ? 0 : Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (count - 2))
      this.#ioFailures.set(session.sid, { count, lastMs: now, untilMs: now + pause })
      this.#with.log.once(
        this.record.name,
        'io',
        `the target answers, but I/O through ${disk.name} failed${pause > 0 ? `; it is tried again in ${pause / 1000} s` : ''}`,
      )
    }
  }

  /** The paths that carry its I/O: for the periodic check of which volume answers. */
  get carrying(): readonly PathNow[] {
    return this.#paths
  }

  /**
   * The target says that a path's LUN is gone, or another volume answers there. Nothing more goes through it from now on.
   * @param moved what went through it since it last proved to be the volume, in words; null for nothing
   */
  async lose(path: PathNow, error: LunkeeperError, moved: string | null): Promise<void> {
    const { host, maps, log } = this.#with
    const { record } = this
    const map = findHoldMap(host, record.name)
    if (!map) return
    await maps.fail(map, path.disk.devno)
    this.#proven.delete(path.session.sid)
    this.#refused.set(path.session.sid, path.connection)
    if (isLunkeeperError(error, 'IDENTITY_MISMATCH')) {
      if (moved !== null) this.#outage.misplace(record, `${error.message}; ${moved}`)
      await expel(host, record, path.disk)
    }
    log.once(record.name, 'identity', error.message)
    this.#outage.noteTrouble(record, error.message)
    maps.forget()
    this.#wake()
  }

  /** Its file system is not to be written out any more: no path gets to it until it is unmounted. */
  async #leaveMisplaced(map: DmMap, state: HoldMapState): Promise<void> {
    const { host, maps, log } = this.#with
    const { record } = this
    this.#paths = []
    this.#carrying = []
    // Once it is clear, a path under the map is that of an attach that is on its way.
    if (!isCleared(host, record)) {
      if (state.queueing) await maps.queue(map.name, false)
      if (state.paths.length > 0) {
        await takeOutAll(host, record, map)
        maps.forget()
      }
      const users = await clearMisplaced(host, record)
      if (users !== null)
        return log.once(record.name, 'misplaced', `it is attached again once nobody uses it: ${users}`)
    }
    // An orchestrator asks for it itself, on this node or on another.
    if (record.orchestrator || performance.now() < this.#nextReattachMs) return
    this.#nextReattachMs = performance.now() + REATTACH_INTERVAL_MS
    this.#attachAgain()
  }

  /**
   * A path that others put under the map, or a former agent: it carries I/O while it is asked who it is.
   * One that reconnected since it was asked is another matter: it is lost until it has told again.
   */
  #proveOnce(path: PathNow): void {
    const { sid } = path.session
    if (this.#proven.has(sid) || this.#refused.get(sid) === path.connection) return
    this.#proven.set(sid, null)
    const { host, log } = this.#with
    const { record } = this
    prove({ host, record }, path.disk)
      .then(() => void this.#proven.set(sid, path.connection))
      .catch(async (error: unknown) => {
        this.#proven.delete(sid)
        // Not asked again at once: a LUN that is unmapped would be asked without end.
        this.#refused.set(sid, path.connection)
        if (isLunkeeperError(error, 'IDENTITY_MISMATCH'))
          await this.lose(path, error, `what went through ${path.disk.name} until now may have gone there`)
      })
      .catch((error: unknown) => log.once(record.name, 'identity', String(error)))
      .finally(() => this.#wake())
  }

  /** @param time when it is to be looked at again (milliseconds of the monotonic clock); past: at once */
  #wake(time = 0): void {
    this.#lookAt(time)
    if (time <= performance.now()) this.#with.wake()
  }

  /** @returns whether nothing is missing */
  #bringMissing(
    map: DmMap,
    { sessions }: VolumeView,
    paths: readonly PathNow[],
    carrying: readonly PathNow[],
  ): boolean {
    const missing = this.record.request.portals.filter(
      (portal) => !carrying.some((path) => isAt(path, portal)),
    )
    for (const portal of missing) {
      const serving = sessions.filter((one) => isAt(one, portal)).map(({ session }) => session)
      const session = serving.find(({ state }) => state === 'LOGGED_IN') ?? serving[0] ?? null
      // In the table still, it only has to say who it is.
      const found = paths.find((path) => path.session === session) ?? null
      const rest = session ? (this.#ioFailures.get(session.sid)?.untilMs ?? 0) : 0
      if (rest > performance.now()) {
        this.#lookAt(rest)
        continue
      }
      const way = this.#wayOf(
        formatPortal(portal),
        () => new Way(this.#with.host, portal, () => this.#gateOf(portal)),
      )
      void this.#bring(way, map, found, session)
      if (way.next > 0) this.#lookAt(way.next)
    }
    return missing.length === 0
  }

  #gateOf(portal: Way['portal']) {
    return this.#with.gates.of(this.record.request.iqn, portal)
  }

  #wayOf(where: string, make: () => Way): Way {
    const known = this.#ways.get(where)
    if (known) return known
    const way = make()
    this.#ways.set(where, way)
    return way
  }

  async #bring(way: Way, map: DmMap, found: PathNow | null, session: Session | null): Promise<void> {
    const { host, maps, log, signal } = this.#with
    const { record } = this
    const { name } = record
    const where = formatPortal(way.portal)
    const steps = stepper(name, log.observer)
    const outcome = await way.tried({ host, record, map, steps, signal }, found, session)
    if (signal.aborted || outcome.kind === 'busy') return
    if (outcome.kind === 'waits') {
      if (outcome.why !== null) log.once(name, where, outcome.why)
      return
    }
    if (outcome.kind === 'reinstated') {
      this.#proven.set(found!.session.sid, found!.connection)
      maps.reinstated(map, found!.disk.devno)
    } else maps.forget()
    if (outcome.kind === 'reinstated' || outcome.kind === 'renewed') this.#refused.clear()
    if (outcome.kind === 'moved')
      log.say(name, `the target shows it as LUN ${outcome.to} now; it was ${outcome.from}`)
    else if (outcome.kind === 'failed') this.#failed(where, outcome.error)
    else log.say(name, `${where} is back`)
    this.#wake(way.next)
  }

  #failed(where: string, error: Error): void {
    this.#with.log.once(this.record.name, where, error.message)
    if (isLunkeeperError(error, 'IDENTITY_MISMATCH', 'STALE_DISK', 'LUN_ABSENT'))
      this.#outage.noteTrouble(this.record, error.message)
  }

  /** Its map is gone: a reboot, most often. What was attached is attached again. */
  #attachAgain(): void {
    if (this.#attaching) return
    this.#attaching = true
    const { host, log, signal } = this.#with
    const { name } = this.record
    void attach(host, asAsked(this.record), { observer: log.observer, signal })
      .then(
        () => log.say(name, 'attached again'),
        (error: unknown) => log.once(name, 'attach', (error as Error).message),
      )
      .finally(() => {
        this.#attaching = false
        this.#with.maps.forget()
      })
  }
}

/** A loss that is shorter than a look at it shows in nothing else. */
function withConnections(host: Host, { sessions, disks }: Signs, view: VolumeView): Signs {
  return {
    sessions: [...sessions, ...view.sessions.map(({ session }) => connectionSign(host, session.sid))],
    disks,
  }
}
