import { isDeepStrictEqual } from 'node:util'

import type { Host } from '../host/host.ts'
import { readHoldNote, removeHoldNote, writeHoldNote } from '../hold/note.ts'
import type { HoldNote } from '../hold/note.ts'
import { lastDeadline } from '../hold/last-grace.ts'
import { recover } from '../hold/recover.ts'
import type { Attachment } from '../model/attachment.ts'
import type { Hold } from '../model/hold.ts'
import type { VolumeName } from '../model/name.ts'
import type { DmMap } from '../model/snapshot.ts'
import type { Device } from '../volumes/users.ts'
import { deviceOfMap } from '../volumes/users.ts'
import type { KnownMaps } from './known-maps.ts'
import type { AgentLog } from './log.ts'

/** Between two tries to make a broken file system usable again. */
const PAUSE = 1_000
/** multipathd counts in checks, 5 s apart (multipath.conf(5): polling_interval): what differs by less is no news. */
const SAME = 5_000

/** The outage of one volume, from the loss of its last path to the moment when it is usable again. */
export class Outage {
  readonly #host: Host
  readonly #maps: KnownMaps
  readonly #log: AgentLog
  readonly #signal: AbortSignal
  #recovering = false
  /** As this agent wrote it last. */
  #note: HoldNote | null = null

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
    const note = this.begin({ name, request })
    const last = lastDeadline(this.#host, note.since)
    const own = wanted === 'forever' ? null : Date.parse(note.since) + wanted * 1000
    const deadline = own === null || last === null ? (own ?? last) : Math.min(own, last)
    if (note.ended === null && deadline !== null && Date.now() >= deadline) {
      if (deadline === last) this.end(name, note, 'give-up', 'the machine shuts down: what waits fails now')
      else this.end(name, note, 'deadline', `the hold of ${words(wanted)} is over: what waits fails now`)
      await this.#maps.queue(map, false)
    } else if ((note.ended === null) !== queueing) await this.#maps.queue(map, note.ended === null)
    return note.ended === null ? deadline : null
  }

  /**
   * The last path is lost: from now on the hold counts.
   * @param kept for how long somebody else than the agent keeps the I/O waiting
   */
  begin({ name, request }: Pick<Attachment, 'name' | 'request'>, kept?: Hold): HoldNote {
    const known = readHoldNote(this.#host, name)
    if (known) return known
    const now = Date.now()
    const deadline = kept === undefined ? {} : { deadline: after(now, kept) }
    const note = { since: new Date(now).toISOString(), ended: null, trouble: null, ...deadline }
    this.#write(name, note)
    this.#log.say(name, `its last path is lost: I/O waits, for at most ${words(kept ?? request.hold.wanted)}`)
    return note
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
    return this.goOn(record, deviceOfMap(map))
  }

  /** The same, whoever lets its I/O go on. @param device what its file system stands on */
  goOn(record: Attachment, device: Device): boolean {
    const { name } = record
    const note = readHoldNote(this.#host, name)
    if (!note) return true
    const seconds = Math.round((Date.now() - Date.parse(note.since)) / 1000)
    if (note.ended === null) {
      this.#write(name, null)
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
        this.#write(name, null)
        this.#log.say(name, `usable again, ${seconds} s after its last path was lost`)
      } else {
        if (trouble !== note.trouble) this.#write(name, { ...note, trouble, kind: 'broken' })
        this.#log.once(name, 'recover', trouble)
      }
    } catch (error) {
      this.#log.once(name, 'recover', `not usable yet: ${(error as Error).message}`)
    } finally {
      setTimeout(() => (this.#recovering = false), PAUSE).unref()
    }
  }

  /** Why it does not go on although something answers, for whoever looks. */
  noteTrouble({ name }: Attachment, trouble: string): void {
    const note = readHoldNote(this.#host, name)
    if (note && note.trouble !== trouble) this.#write(name, { ...note, trouble, kind: 'stranger' })
  }

  #write(name: VolumeName, note: HoldNote | null): void {
    this.#note = note
    if (note) writeHoldNote(this.#host, name, note)
    else removeHoldNote(this.#host, name)
  }

  /** Whether what stands there was written by somebody else. */
  isNoteNew({ name }: Pick<Attachment, 'name'>): boolean {
    return !isDeepStrictEqual(readHoldNote(this.#host, name), this.#note)
  }
}

/** Milliseconds; null for never. ISO 8601. */
const after = (now: number, hold: Hold) =>
  hold === 'forever' ? null : new Date(now + hold * 1000).toISOString()

const words = (hold: Hold) => (hold === 'forever' ? 'as long as it takes' : `${hold} s`)
