import { readHoldNote } from '../state/records/hold-note.ts'
import { queueingOf } from '../host/map/queueing.ts'
import { clearMisplaced, isCleared, isMisplaced } from '../volumes/holding/misplaced.ts'
import { removeDisk } from '../host/disk/remove.ts'
import type { Attachment } from '../model/attachment.ts'
import { asAsked } from '../model/attachment.ts'
import type { LunkeeperError } from '../model/errors.ts'
import type { Hold } from '../model/hold.ts'
import { longerHold } from '../model/hold.ts'
import type { DmMap, ScsiDisk } from '../model/snapshot.ts'
import { attach } from '../volumes/attach/attach.ts'
import type { VolumeView } from '../state/view/volume.ts'
import { devicesOf, disksOf, isUp, lookAtAttachment } from '../state/view/volume.ts'
import { readRecord } from '../state/records/volumes.ts'
import { standsOn } from '../state/proof/stands.ts'
import type { CheckedPath } from './identity-checks.ts'
import type { Keeping } from './keeper.ts'
import { Outage } from './outage.ts'
import type { Signs } from './signs.ts'
import { NO_SIGNS, showsIn, signsOf } from './signs.ts'

/** In an outage; of many volumes each less often. */
const LOOK = 2_000
const LOOK_EACH = 40
/** Between two tries to attach a misplaced volume again. */
const REATTACH_INTERVAL_MS = 5_000
/** Its session is back, and its disk is about to be. */
const SOON = 300
/** A record is written before multipathd is told, which reads all of its configuration anew. */
const SETTLE = 15_000
/** While all is well its signs tell; somebody may have logged in anew. */
const ROUND = 20_000

/** What a volume's I/O does now. `none`: it is not on this node. */
type Fate = 'carried' | 'waits' | 'failed' | 'none'

/**
 * A volume that its session holds, or multipathd: they end its hold and bring it back. The agent sees it, notes it
 * for whoever asks, and has a file system that broke mounted anew.
 */
export class Onlooker {
  readonly #with: Keeping
  readonly #outage: Outage
  #record: Attachment
  #signs = NO_SIGNS
  /** Milliseconds of the monotonic clock. */
  #due = 0
  #busy = false
  /** It has been here: an empty place is a loss, and no volume that was not attached yet. */
  #wasHere = false
  /** As it was seen to wait last; when its record changed, and when its sessions had given its I/O back. */
  #seen: {
    readonly record: Attachment
    readonly blocked: boolean
    readonly told: number
    readonly turned: number
  } | null = null

  /** The disks beneath what the volume's file system or user stands on, as they were last seen. */
  #used: readonly CheckedPath[] = []

  readonly #queueing: () => Promise<ReadonlySet<string>>

  /** @param queueing the maps whose I/O the kernel keeps waiting */
  constructor(keeping: Keeping, record: Attachment, queueing: () => Promise<ReadonlySet<string>>) {
    this.#with = keeping
    this.#queueing = queueing
    this.#record = record
    this.#outage = new Outage(keeping.host, keeping.maps, keeping.log, keeping.signal)
  }

  get signs(): Signs {
    return this.#signs
  }

  take(record: Attachment): void {
    if (record === this.#record) return
    this.#record = record
    this.#due = 0
  }

  checkedPaths(): readonly CheckedPath[] {
    return this.#used
  }

  /**
   * Another volume answers beneath it. The kernel would write out what is in memory to it: its disk is taken away,
   * which writes nothing. A LUN that is only unmapped gets no writes, and may come back.
   */
  async #lose(disk: ScsiDisk, error: LunkeeperError, moved: string | null): Promise<void> {
    if (error.code !== 'IDENTITY_MISMATCH') return
    const { host } = this.#with
    await removeDisk(host, disk)
    this.#used = []
    const unmoved = 'none of its I/O has gone there; what was not written is lost'
    this.#outage.misplace(this.#record, `${error.message}; ${moved ?? unmoved}`)
    this.#due = 0
  }

  /** Once nobody uses it, it is unmounted, which writes nothing, and attached again. */
  async #leaveMisplaced(record: Attachment): Promise<void> {
    const { host, log, signal } = this.#with
    this.#used = []
    this.#lookIn(LOOK)
    // Once it is clear, what is mounted is that of an attach that is on its way.
    const users = isCleared(host, record) ? null : await clearMisplaced(host, record)
    if (users !== null)
      return log.once(record.name, 'misplaced', `it is attached again once nobody uses it: ${users}`)
    // An orchestrator asks for it itself, on this node or on another.
    if (record.orchestrator) return
    this.#lookIn(REATTACH_INTERVAL_MS)
    await attach(host, asAsked(record), { observer: log.observer, signal })
    log.say(record.name, 'reattached')
  }

  isDue(now: number, changed: ReadonlySet<string>): boolean {
    if (this.#busy) return false
    return now >= this.#due || showsIn(this.#signs, changed)
  }

  /** @throws what programs say that are asked */
  async look(): Promise<void> {
    this.#busy = true
    this.#due = performance.now() + ROUND
    try {
      const record = this.#record
      if (isMisplaced(this.#with.host, record)) return await this.#leaveMisplaced(record)
      const view = lookAtAttachment(this.#with.host, record)
      this.#signs = signsOf(this.#with.host.paths, view)
      const fate = await this.#fateOf(view)
      // What is being taken off the node has no outage, and no note.
      if (readRecord(this.#with.host, record.name)?.phase !== 'ready') return
      if (fate === 'carried') this.#carried(view)
      else if (fate !== 'none') await this.#lost(fate, view)
    } finally {
      this.#busy = false
    }
  }

  async #fateOf(view: VolumeView): Promise<Fate> {
    const paths = view.sessions.flatMap(({ session, disk }) => (disk ? [{ session, disk }] : []))
    if (view.sessions.some(isUp)) return 'carried'
    const map = view.maps[0]
    const isKnown = this.#wasHere || readHoldNote(this.#with.host, this.#record.name) !== null
    if (!isKnown && paths.length === 0 && !map) return 'none'
    const isBack = paths.some(({ session }) => session.state === 'LOGGED_IN')
    const { volumes } = this.#with
    this.#lookIn(isBack ? SOON : Math.max(LOOK, LOOK_EACH * volumes()))
    // It is just being attached, after a reboot.
    if (!isKnown && isBack) return 'none'
    return isBlocked(view) || (map && (await this.#queueing()).has(map.name)) ? 'waits' : 'failed'
  }

  #lookIn(milliseconds: number): void {
    this.#due = performance.now() + milliseconds
  }

  #carried(view: VolumeView): void {
    this.#wasHere = true
    this.#seen = null
    this.#used = this.#checkedIn(view)
    const device = devicesOf(view.maps, disksOf(view))[0]
    if (!device) this.#lookIn(SOON)
    else if (!this.#outage.goOn(this.#record, device)) this.#lookIn(LOOK)
  }

  #checkedIn({ sessions, maps }: VolumeView): CheckedPath[] {
    const { host } = this.#with
    const record = this.#record
    return sessions.flatMap(({ session, disk }) => {
      const { name } = disk ?? {}
      if (!disk || !name || !isUp({ session, disk }) || !standsOn(host, record, disk, maps)) return []
      return [{ record, disk: { ...disk, name }, lose: (error, moved) => this.#lose(disk, error, moved) }]
    })
  }

  async #lost(fate: 'waits' | 'failed', view: VolumeView): Promise<void> {
    this.#used = []
    const { host } = this.#with
    const record = this.#record
    const [map] = view.maps
    const known = readHoldNote(host, record.name)
    const note =
      known ?? this.#outage.begin(record, { kept: fate === 'waits' ? await this.#keptFor(view, map) : 0 })
    if (fate === 'waits') return this.#counts(note, view, map, known === null)
    if (note.ended !== null) return
    if (disksOf(view).length === 0 && !map)
      this.#outage.end(record.name, note, 'removed', 'its disk was taken from the node: its I/O fails')
    else this.#outage.end(record.name, note, 'deadline', 'no longer held; I/O fails')
  }

  /** multipathd may have been told to wait for another time, and counts from when its sessions have given up. */
  async #counts(
    note: ReturnType<Outage['begin']>,
    view: VolumeView,
    map: DmMap | undefined,
    isNew: boolean,
  ): Promise<void> {
    const now = performance.now()
    const was = this.#seen
    const seen = { record: this.#record, blocked: isBlocked(view) }
    const told = was && was.record !== seen.record ? now : (was?.told ?? Number.NEGATIVE_INFINITY)
    const turned = was && was.blocked !== seen.blocked ? now : (was?.turned ?? Number.NEGATIVE_INFINITY)
    this.#seen = { ...seen, told, turned }
    if (isNew || !map) return
    // What was given up waits again only where another hold was set since.
    const isOther =
      note.ended === null
        ? now - Math.max(told, turned) < SETTLE
        : now - told < SETTLE && (await this.#queueing()).has(map.name)
    if (isOther) this.#outage.recount(this.#record.name, note, await this.#keptFor(view, map))
  }

  /** How long it waits, counted from now, if nothing changes. */
  async #keptFor(view: VolumeView, map: DmMap | undefined): Promise<Hold> {
    const timers = view.sessions.flatMap(({ session, disk }) => (disk ? [session.recoveryTmo] : []))
    const recovery = isBlocked(view) ? timers.reduce<Hold>(longerHold, 0) : 0
    const queueing = map ? ((await queueingOf(this.#with.host, map.name)) ?? 0) : 0
    return recovery === 'forever' || queueing === 'forever' ? 'forever' : recovery + queueing
  }
}

/** The kernel keeps I/O in a lost session's disk until its timer ends, and for a moment after its return. */
function isBlocked({ sessions }: VolumeView): boolean {
  return sessions.some(
    ({ session, disk }) =>
      disk && (session.state === 'FAILED' || (session.state === 'LOGGED_IN' && disk.state === 'blocked')),
  )
}
