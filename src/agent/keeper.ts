import { join } from 'node:path'

import type { Host } from '../host/host.ts'
import { failPath, setQueueing } from '../host/map/hold-map.ts'
import { holdMapName } from '../host/map/hold-map.ts'
import { bringBack, reinstate, SessionLost } from '../hold/return.ts'
import { readHoldNote, removeHoldNote, writeHoldNote } from '../hold/note.ts'
import type { HoldNote } from '../hold/note.ts'
import { recover } from '../hold/recover.ts'
import { tighten } from '../hold/timers.ts'
import type { Attachment } from '../model/attachment.ts'
import { isLunkeeperError } from '../model/errors.ts'
import { formatHctl } from '../model/hctl.ts'
import type { HoldMapState } from '../model/plan/table.ts'
import { formatPortal, samePortal } from '../model/portal.ts'
import type { Portal } from '../model/portal.ts'
import { attach } from '../volumes/attach/attach.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'
import type { VolumeView } from '../volumes/look.ts'
import { lookAtVolume } from '../volumes/look.ts'
import { stepper } from '../volumes/step.ts'
import type { AgentLog } from './log.ts'
import type { Watch } from './watch.ts'

/** Between two tries at one portal; nearer together while something has just answered. */
const PAUSE = 300
/** For what does not mend by itself soon: another volume that answers, a map that cannot be made. */
const LONG_PAUSE = 1_000

interface Way {
  /** Milliseconds of the monotonic clock. */
  next: number
  busy: boolean
  /** Since when the target takes logins there while its session stays lost; null: it does not. */
  servesSince: number | null
}

/** An attribute that says that all is well. */
interface Sign {
  readonly path: string
  readonly well: string
  readonly isDisk: boolean
}

/** Keeps one volume on its hold map: sees its paths lost, brings them back, ends the hold in time. */
export class Keeper {
  readonly #host: Host
  readonly #watch: Watch
  readonly #log: AgentLog
  readonly #signal: AbortSignal
  readonly #changed: () => void
  readonly #ways = new Map<string, Way>()
  record: Attachment
  /** What to read to know that all is well: session and disk of each path. */
  #signs: readonly Sign[] = []
  #devnos: readonly string[] = []
  #well = false
  #recovering = false
  #attaching = false
  #nextAttach = 0

  /** @param changed told when it has changed a map: what was read of it before counts no more */
  constructor(
    host: Host,
    record: Attachment,
    watch: Watch,
    log: AgentLog,
    signal: AbortSignal,
    changed: () => void,
  ) {
    this.#changed = changed
    this.#host = host
    this.record = record
    this.#watch = watch
    this.#log = log
    this.#signal = signal
  }

  get signs(): readonly string[] {
    return this.#signs.map(({ path }) => path)
  }

  /**
   * Whether nothing has changed since all was well: its sessions, which is what changes, and its disks.
   * @param disks whether to look at them too
   */
  isWell(disks: boolean): boolean {
    return this.#well && this.#isFine(disks)
  }

  #isFine(disks: boolean): boolean {
    return this.#signs.every(
      ({ path, well, isDisk }) => (isDisk && !disks) || this.#watch.read(path) === well,
    )
  }

  /** Whether the kernel uses its map as it should be used. */
  agrees(states: ReadonlyMap<string, HoldMapState>): boolean {
    const state = states.get(holdMapName(this.record.name))
    const isActive = (wanted: string) => state?.paths.some(({ devno, active }) => active && devno === wanted)
    return state?.queueing === true && this.#devnos.every(isActive)
  }

  /** Looks, and does what the moment needs; what takes long goes on by itself. */
  async tend(states: ReadonlyMap<string, HoldMapState>): Promise<void> {
    const { record } = this
    const view = lookAtVolume(this.#host, { ...record.request, owner: record.name })
    const map = view.maps.find(({ name }) => name === holdMapName(record.name))
    const state = map && states.get(map.name)
    if (!map || !state) return this.#attachAgain()
    const good = this.#goodDevnos(view)
    const active = state.paths.filter((path) => path.active && good.has(path.devno)).length
    const note = readHoldNote(this.#host, record.name)
    if (active === 0 && !note) this.#begin()
    // The kernel fails a path when its I/O fails; one that was idle would be used again, whoever answers.
    const lost = state.paths.filter((path) => path.active && !good.has(path.devno))
    await Promise.all(lost.map(({ devno }) => failPath(this.#host, map, devno)))
    if (lost.length > 0) this.#changed()
    if (active === 0) await this.#hold(map.name, note, state.queueing)
    else if (note) await this.#release(map, note, state.queueing)
    this.#bringMissing(view, map, state, good)
    this.#signs = this.#signsOf(view)
    const whole = good.size >= record.request.portals.length
    this.#devnos = [...good]
    this.#well = whole && active >= good.size && !note && this.#isFine(true)
    if (this.#well) tighten(this.#host, record.request.iqn)
  }

  #goodDevnos({ sessions }: VolumeView): Set<string> {
    return new Set(
      sessions.flatMap(({ session, disk }) =>
        session.state === 'LOGGED_IN' && disk?.state === 'running' && disk.devno !== null ? [disk.devno] : [],
      ),
    )
  }

  #signsOf({ sessions }: VolumeView): Sign[] {
    const { sys } = this.#host.paths
    return sessions.flatMap(({ session, disk }) =>
      disk
        ? [
            {
              path: join(sys, `class/iscsi_session/session${session.sid}/state`),
              well: 'LOGGED_IN',
              isDisk: false,
            },
            {
              path: join(sys, 'class/scsi_device', formatHctl(disk.hctl), 'device/state'),
              well: 'running',
              isDisk: true,
            },
          ]
        : [],
    )
  }

  /** The last path is lost: from now on the hold counts. */
  #begin(): void {
    const { name, request } = this.record
    // For the moment in which the target is back.
    this.#host.hands.warm()
    const since = new Date().toISOString()
    writeHoldNote(this.#host, name, { since, ended: null, trouble: null })
    this.#log.say(name, `its last path is lost: I/O waits, for at most ${words(request.hold.wanted)}`)
  }

  /** No path: I/O waits, until its deadline. */
  async #hold(map: string, note: HoldNote | null, queueing: boolean): Promise<void> {
    const { name, request } = this.record
    if (!note) {
      if (!queueing) await this.#queue(map, true)
      return
    }
    const { wanted } = request.hold
    if (note.ended === null && wanted !== 'forever' && Date.now() >= Date.parse(note.since) + wanted * 1000) {
      writeHoldNote(this.#host, name, { ...note, ended: 'deadline' })
      this.#log.say(name, `the hold of ${words(wanted)} is over: what waits fails now`)
      await this.#queue(map, false)
    } else if ((note.ended === null) !== queueing) await this.#queue(map, note.ended === null)
  }

  async #queue(map: string, on: boolean): Promise<void> {
    await setQueueing(this.#host, { name: map }, on)
    this.#changed()
  }

  /** A path carries I/O again. */
  async #release(map: DmMap, note: HoldNote, queueing: boolean): Promise<void> {
    const { name } = this.record
    if (!queueing) await this.#queue(map.name, true)
    const seconds = Math.round((Date.now() - Date.parse(note.since)) / 1000)
    if (note.ended === null) {
      removeHoldNote(this.#host, name)
      this.#log.say(name, `I/O goes on after ${seconds} s`)
      return
    }
    if (!this.#recovering) void this.#recover(map, note, seconds)
  }

  async #recover(map: DmMap, note: HoldNote, seconds: number): Promise<void> {
    const { name } = this.record
    this.#recovering = true
    try {
      const trouble = await recover(this.#host, this.record, map, this.#told)
      if (trouble === null) {
        removeHoldNote(this.#host, name)
        this.#changed()
        this.#log.say(name, `usable again, ${seconds} s after its last path was lost`)
      } else {
        if (trouble !== note.trouble) writeHoldNote(this.#host, name, { ...note, trouble })
        this.#log.once(name, 'recover', trouble)
      }
    } catch (error) {
      this.#log.once(name, 'recover', `not usable yet: ${(error as Error).message}`)
    } finally {
      setTimeout(() => (this.#recovering = false), LONG_PAUSE).unref()
    }
  }

  get #told() {
    return { observer: this.#log.observer, signal: this.#signal }
  }

  #bringMissing(view: VolumeView, map: DmMap, state: HoldMapState, good: ReadonlySet<string>): void {
    const inTable = (wanted: string) => state.paths.some(({ devno }) => devno === wanted)
    for (const portal of this.record.request.portals) {
      const serving = view.sessions.filter(
        ({ session }) => session.portal && samePortal(session.portal, portal),
      )
      const carries = serving.some(
        ({ disk }) =>
          disk?.devno != null &&
          good.has(disk.devno) &&
          state.paths.some(({ devno, active }) => active && devno === disk.devno),
      )
      // Its disk is still in the table: it only has to say who it is.
      const known = serving.find(
        ({ disk }) => disk?.devno != null && good.has(disk.devno) && inTable(disk.devno),
      )
      if (!carries) void this.#bring(portal, map, known?.disk ?? null)
    }
  }

  async #bring(portal: Portal, map: DmMap, known: ScsiDisk | null): Promise<void> {
    const where = formatPortal(portal)
    const way = this.#ways.get(where) ?? { next: 0, busy: false, servesSince: null }
    this.#ways.set(where, way)
    if (way.busy || performance.now() < way.next) return
    way.busy = true
    const { name } = this.record
    const host = this.#host
    const steps = stepper(name, this.#log.observer)
    try {
      const work = { host, record: this.record, map, steps, signal: this.#signal }
      if (known) await reinstate(work, known)
      else await bringBack(work, portal, way.servesSince)
      way.servesSince = null
      way.next = 0
      this.#changed()
      this.#log.say(name, `${where} is back`)
    } catch (error) {
      if (this.#signal.aborted) return
      const { message } = error as Error
      const serves = error instanceof SessionLost
      way.servesSince = serves ? (way.servesSince ?? performance.now()) : null
      const foreign = isLunkeeperError(error, 'IDENTITY_MISMATCH', 'STALE_DISK')
      way.next = performance.now() + (serves ? PAUSE / 2 : foreign ? LONG_PAUSE : PAUSE)
      if (foreign) this.#noteTrouble(message)
      this.#log.once(name, where, message)
    } finally {
      way.busy = false
    }
  }

  #noteTrouble(trouble: string): void {
    const note = readHoldNote(this.#host, this.record.name)
    if (note && note.trouble !== trouble) writeHoldNote(this.#host, this.record.name, { ...note, trouble })
  }

  /** Its map is gone: a reboot, most often. What was attached is attached again. */
  async #attachAgain(): Promise<void> {
    if (this.#attaching || performance.now() < this.#nextAttach) return
    this.#attaching = true
    const { name, request } = this.record
    void attach(this.#host, request, this.#told)
      .then(
        () => this.#log.say(name, 'attached again'),
        (error: unknown) => this.#log.once(name, 'attach', (error as Error).message),
      )
      .finally(() => {
        this.#attaching = false
        this.#nextAttach = performance.now() + LONG_PAUSE
      })
  }
}

const words = (hold: number | 'forever') => (hold === 'forever' ? 'as long as it takes' : `${hold} s`)
