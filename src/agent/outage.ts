import { isDeepStrictEqual } from 'node:util'

import { clockStepSince, momentNow, monotonicMs, restamped } from '../host/clock.ts'
import type { Host } from '../host/host.ts'
import { readBlockStat } from '../host/read/block-stat.ts'
import { readHoldNote, removeHoldNote, writeHoldNote } from '../state/records/hold-note.ts'
import type { HoldNote } from '../state/records/hold-note.ts'
import { lastDeadline } from '../state/records/shutdown-grace.ts'
import { recover } from '../hold/recover.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Hold } from '../model/hold.ts'
import type { VolumeName } from '../model/name.ts'
import type { DmMap } from '../model/snapshot.ts'
import type { Device } from '../state/view/users.ts'
import { deviceOfMap } from '../state/view/users.ts'
import type { KnownMaps } from './known-maps.ts'
import type { AgentLog } from './log.ts'

/** Between two tries to make a broken file system usable again; doubled after each that fails. */
const RECOVERY_PAUSE_MS = 1_000
const LONGEST_RECOVERY_PAUSE_MS = 60_000

/**
 * A path that fails I/O again so soon after its return has not ended the outage: the hold goes on counting from the
 * first failure. As long as the kernel takes to fail a command that its device answers with an error, several times.
 */
const RELAPSE_MS = 30_000
/** So long an idle volume's path is watched before it counts as usable. */
const TRIAL_MS = 300
/** multipathd counts in checks, 5 s apart (multipath.conf(5): polling_interval): what differs by less is no news. */
const SAME = 5_000

/** The outage of one volume, from the loss of its last path to the moment when it is usable again. */
export class Outage {
  readonly #host: Host
  readonly #maps: KnownMaps
  readonly #log: AgentLog
  readonly #signal: AbortSignal
  #recovering = false
  #failedRecoveries = 0
  /** As this agent wrote it last. */
  #note: HoldNote | null = null
  /** What could not be written to /run (it is full): counted from here until it can. */
  #unwritten: { readonly note: HoldNote | null } | null = null
  /** Requests that had ended on the volume's device when the outage began, or was first seen by this agent. */
  #completed: number | null = null
  /** Since when a path is there again that has not carried I/O yet (monotonic milliseconds). */
  #returnedMs: number | null = null
  /** The outage before, and when it ended (monotonic milliseconds). */
  #last: { readonly since: string; readonly sinceMs: number; readonly endedMs: number } | null = null

  constructor(host: Host, maps: KnownMaps, log: AgentLog, signal: AbortSignal) {
    this.#host = host
    this.#maps = maps
    this.#log = log
    this.#signal = signal
  }

  /** No path: I/O waits, until its deadline. @returns when that is, in milliseconds of the clock; null for never */
  async hold({ name, request }: Attachment, map: string, queueing: boolean): Promise<number | null> {
    const { wanted } = request.hold
    // Idle hands are let go after a minute; in the moment in which the target is back one must be there.
    this.#host.hands.warm()
    this.#returnedMs = null
    const note = this.#read(name) ?? this.begin({ name, request })
    const last = lastDeadline(this.#host, note.since)
    const own = wanted === 'forever' ? null : Date.parse(note.since) + wanted * 1000
    const deadline = own === null || last === null ? (own ?? last) : Math.min(own, last)
    if (note.ended === null && deadline !== null && Date.now() >= deadline) {
      if (deadline === last) this.end(name, note, 'give-up', 'the machine shuts down: held I/O fails now')
      else this.end(name, note, 'deadline', `the hold of ${words(wanted)} is over: held I/O fails now`)
      await this.#maps.queue(map, false)
    } else if ((note.ended === null) !== queueing) await this.#maps.queue(map, note.ended === null)
    return note.ended === null ? deadline : null
  }

  /**
   * The last path is lost: from now on the hold counts.
   * @param options.kept how long the session or multipathd holds the I/O, where the agent does not
   * @param options.failedIo the target answers, and I/O through the path failed: an outage that had just ended goes on
   * @param options.device what the volume's I/O goes through: dm-0
   */
  begin(
    { name, request }: Pick<Attachment, 'name' | 'request'>,
    options: { readonly kept?: Hold; readonly failedIo?: boolean; readonly device?: string } = {},
  ): HoldNote {
    const { kept, failedIo = false, device } = options
    if (device !== undefined) this.#completed ??= readBlockStat(this.#host.paths, device)?.completed ?? null
    const known = this.#read(name)
    if (known) return known
    const last = this.#last
    const goesOn = failedIo && last !== null && monotonicMs() - last.endedMs < RELAPSE_MS
    const moment = goesOn ? last : momentNow()
    const since = goesOn ? restamped(last.since, clockStepSince(last)) : moment.since
    const deadline = kept === undefined ? {} : { deadline: after(Date.parse(since), kept) }
    const note = { since, sinceMs: moment.sinceMs, ended: null, trouble: null, ...deadline }
    this.#write(name, note)
    const limit = words(kept ?? request.hold.wanted)
    const what = failedIo ? 'the target answers, but I/O fails' : 'all paths lost'
    this.#log.say(
      name,
      `${what}; holding I/O for up to ${limit}${goesOn ? `, counted from ${note.since}` : ''}`,
    )
    return note
  }

  /** Another volume answered while I/O went through: the hold ends, and nothing of the volume is written any more. */
  misplace({ name }: Pick<Attachment, 'name'>, trouble: string): void {
    const moment = this.#read(name) ?? momentNow()
    this.#write(name, {
      since: moment.since,
      sinceMs: moment.sinceMs,
      ended: 'misplaced',
      trouble,
      kind: 'misplaced',
    })
    this.#log.say(name, `${trouble}; its I/O fails from now on, and nothing more is written out`)
  }

  /** What waits, or waited, fails. @param words for the log */
  end(name: VolumeName, note: HoldNote, ended: NonNullable<HoldNote['ended']>, told: string): void {
    this.#write(name, { ...note, ended })
    this.#log.say(name, told)
  }

  /** Somebody else than the agent lets it wait for so long from now on. */
  recount(name: VolumeName, note: HoldNote, left: Hold): void {
    const deadline = after(Date.now(), left)
    const shift = Math.abs(Date.parse(deadline ?? '') - Date.parse(note.deadline ?? ''))
    const isSame = deadline === null ? note.deadline === null : shift < SAME
    if (note.ended !== null || !isSame) this.#write(name, { ...note, ended: null, deadline })
  }

  /** A path carries I/O again. @returns whether nothing is left of the outage */
  async release(record: Attachment, map: DmMap, queueing: boolean): Promise<boolean> {
    if (!queueing) await this.#maps.queue(map.name, true)
    const note = this.#read(record.name)
    if (note?.ended === null && !this.#goesThrough(map.device)) return false
    return this.goOn(record, deviceOfMap(map))
  }

  /**
   * A path is there. It carries I/O once a request has ended; an idle volume has none, and its path is taken for good
   * after a moment (requests that the map queues are not counted as in flight: block/blk-mq.c:blk_mq_check_inflight).
   */
  #goesThrough(device: string): boolean {
    this.#returnedMs ??= monotonicMs()
    const now = readBlockStat(this.#host.paths, device)
    if (now === null || this.#completed === null || now.completed > this.#completed) return true
    return now.inFlight === 0 && monotonicMs() - this.#returnedMs > TRIAL_MS
  }

  /** A path is there, and it is not seen yet whether I/O goes through it. */
  isOnTrial({ name }: Pick<Attachment, 'name'>): boolean {
    return this.#read(name)?.ended === null
  }

  /** The same, whoever lets its I/O go on. @param device what its file system stands on */
  goOn(record: Attachment, device: Device): boolean {
    const { name } = record
    const note = this.#read(name)
    if (!note) {
      this.#completed = null
      return true
    }
    const seconds = Math.round((Date.now() - Date.parse(note.since)) / 1000)
    if (note.ended === null) {
      this.#over(name, note)
      this.#log.say(name, `I/O goes on after ${seconds} s`)
      return true
    }
    if (!this.#recovering) void this.#recover(record, device, note, seconds)
    return false
  }

  async #recover(record: Attachment, device: Device, note: HoldNote, seconds: number): Promise<void> {
    const { name } = record
    this.#recovering = true
    try {
      const told = { observer: this.#log.observer, signal: this.#signal }
      const trouble = await recover(this.#host, record, device, told)
      if (trouble === null) {
        this.#over(name, note)
        this.#failedRecoveries = 0
        this.#log.say(name, `usable again, ${seconds} s after all paths were lost`)
      } else {
        if (trouble !== note.trouble) this.#write(name, { ...note, trouble, kind: 'broken' })
        this.#log.once(name, 'recover', trouble)
      }
    } catch (error) {
      this.#failedRecoveries++
      this.#log.once(name, 'recover', `not usable yet: ${(error as Error).message}`)
    } finally {
      const pause = Math.min(LONGEST_RECOVERY_PAUSE_MS, RECOVERY_PAUSE_MS * 2 ** this.#failedRecoveries)
      setTimeout(() => (this.#recovering = false), pause).unref()
    }
  }

  /** Why it does not go on although something answers, for whoever looks. */
  noteTrouble({ name }: Attachment, trouble: string): void {
    const note = this.#read(name)
    if (note && note.trouble !== trouble && note.kind !== 'misplaced')
      this.#write(name, { ...note, trouble, kind: 'stranger' })
  }

  #over(name: VolumeName, { since, sinceMs = monotonicMs() }: HoldNote): void {
    this.#last = { since, sinceMs, endedMs: monotonicMs() }
    this.#completed = null
    this.#returnedMs = null
    this.#write(name, null)
  }

  #read(name: VolumeName): HoldNote | null {
    if (this.#unwritten === null) return readHoldNote(this.#host, name)
    const { note } = this.#unwritten
    this.#write(name, note)
    return note
  }

  /** /run may be full: paths are failed and brought back all the same, and the note is written when it can be. */
  #write(name: VolumeName, note: HoldNote | null): void {
    this.#note = note
    try {
      if (note) writeHoldNote(this.#host, name, note)
      else removeHoldNote(this.#host, name)
      this.#unwritten = null
    } catch (error) {
      this.#unwritten = { note }
      this.#log.once(name, 'note', `its hold is not noted: ${(error as Error).message}`)
    }
  }

  /** Whether what stands there was written by somebody else. */
  isNoteNew({ name }: Pick<Attachment, 'name'>): boolean {
    return this.#unwritten === null && !isSame(readHoldNote(this.#host, name), this.#note)
  }
}

/** The wall times in a note move when the clock is set. */
function isSame(a: HoldNote | null, b: HoldNote | null): boolean {
  if (a === null || b === null) return a === b
  const { since: _, deadline: __, ...one } = a
  const { since: ___, deadline: ____, ...other } = b
  return isDeepStrictEqual(one, other)
}

/** Milliseconds; null for never. ISO 8601. */
const after = (now: number, hold: Hold) =>
  hold === 'forever' ? null : new Date(now + hold * 1000).toISOString()

const words = (hold: Hold) => (hold === 'forever' ? 'as long as it takes' : `${hold} s`)
