import { pauseAfter } from '../api/pause.ts'
import { Rest } from '../api/rest.ts'
import { inShort, isForLater, isOfServer } from '../api/refusal.ts'
import { Bucket } from './bucket.ts'
import type { Tally } from './event.ts'
import type { Happening } from './happening.ts'

/** Limits per object, as for Kubernetes' clients (client-go: events_cache.go, defaultSpamBurst, defaultSpamQPS). */
const OBJECT_BURST = 25
const OBJECT_EVERY = 300_000
/** Limits for the whole node: a quarter of a kubelet's (kubelet: eventBurst, eventRecordQPS). */
const BURST = 25
const EVERY = 100
/**
 * Milliseconds; an older event is of no use. And the queue length: several hundred volumes with their pods; beyond that
 * the oldest are dropped.
 */
const LIMITS = { patience: 600_000, most: 1_000 }

interface Letter<Subject> {
  readonly subject: Subject
  readonly key: string
  readonly object: string
  tally: Tally
  tries: number
  /** Earliest time of the next attempt, and expiry (milliseconds of the monotonic clock). */
  due: number
  until: number
}

/**
 * The queue of events to send. Adding one takes no time and never fails. Events are sent one after the other; a
 * repeated event is counted while it is queued, and an event that cannot be sent within ten minutes is dropped.
 */
export class Outbox<Subject> {
  readonly #send: (subject: Subject, tally: Tally) => Promise<void>
  readonly #say: (line: string) => void
  readonly #limits: typeof LIMITS
  readonly #waiting = new Map<string, Letter<Subject>>()
  readonly #objects = new Map<string, Bucket>()
  readonly #all = new Bucket(BURST, EVERY, performance.now())
  /** No request is sent to the server until then. */
  #rest = 0
  #tries = 0
  #trouble: string | null = null
  readonly #resting = new Rest()

  constructor(
    send: (subject: Subject, tally: Tally) => Promise<void>,
    say: (line: string) => void,
    limits = LIMITS,
  ) {
    this.#send = send
    this.#say = say
    this.#limits = limits
  }

  put(subject: Subject, happening: Happening): void {
    const object = JSON.stringify(subject)
    const key = `${object} ${happening.reason}`
    const now = new Date()
    const until = performance.now() + this.#limits.patience
    const known = this.#waiting.get(key)
    if (known) {
      const { first, count } = known.tally
      const again = known.tally.happening.id === happening.id ? 0 : 1
      known.tally = { happening, first, last: now, count: count + again }
      known.until = until
    } else {
      const tally = { happening, first: now, last: now, count: 1 }
      this.#waiting.set(key, { subject, key, object, tally, tries: 0, due: 0, until })
    }
    this.#resting.wake()
  }

  /** Sends queued events until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = performance.now()
      this.#drop(now)
      const letters = [...this.#waiting.values()]
      const next = letters.reduce<[Letter<Subject>, number] | null>((best, letter) => {
        const wait = this.#wait(letter, now)
        return best === null || wait < best[1] ? [letter, wait] : best
      }, null)
      if (next === null || next[1] > 0) await this.#resting.within(next?.[1] ?? this.#limits.patience, signal)
      else await this.#deliver(next[0], signal)
    }
  }

  #wait({ due, object }: Letter<Subject>, now: number): number {
    const bucket = this.#objects.get(object)
    return Math.max(due - now, this.#rest - now, this.#all.wait(now), bucket?.wait(now) ?? 0, 0)
  }

  async #deliver(letter: Letter<Subject>, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    // A repetition during the request is sent separately.
    this.#waiting.delete(letter.key)
    try {
      await this.#send(letter.subject, letter.tally)
      this.#take(letter, started)
      this.#tries = 0
      if (this.#trouble !== null) this.#say('kubernetes: events can be sent again')
      this.#trouble = null
    } catch (error) {
      if (!signal.aborted) this.#failed(letter, error as Error)
    }
  }

  #take({ object }: Letter<Subject>, now: number): void {
    this.#all.take(now)
    const bucket = this.#objects.get(object) ?? new Bucket(OBJECT_BURST, OBJECT_EVERY, now)
    bucket.take(now)
    this.#objects.set(object, bucket)
    for (const [key, one] of this.#objects) if (one.isFull(now)) this.#objects.delete(key)
  }

  #failed(letter: Letter<Subject>, error: Error): void {
    const { reason } = letter.tally.happening
    const now = performance.now()
    const words = inShort(error)
    if (!isForLater(error)) {
      this.#say(`kubernetes: the event ${reason} of ${letter.object} was dropped: ${words}`)
      return
    }
    letter.tries++
    letter.due = now + pauseAfter(letter.tries, error)
    if (isOfServer(error)) this.#rest = now + pauseAfter(++this.#tries, error)
    if (words !== this.#trouble) this.#say(`kubernetes: events are delayed: ${words}`)
    this.#trouble = words
    const newer = this.#waiting.get(letter.key)
    if (newer)
      newer.tally = {
        ...newer.tally,
        first: letter.tally.first,
        count: newer.tally.count + letter.tally.count,
      }
    else this.#waiting.set(letter.key, letter)
  }

  #drop(now: number): void {
    const letters = [...this.#waiting.values()]
    const gone = letters.filter(({ until }) => until <= now)
    gone.push(...letters.filter((letter) => !gone.includes(letter)).slice(0, -this.#limits.most))
    for (const { key } of gone) this.#waiting.delete(key)
    if (gone.length === 0) return
    const what = gone.length === 1 ? 'an event was' : `${gone.length} events were`
    this.#say(`kubernetes: ${what} dropped: ${this.#trouble ?? 'the queue is full'}`)
  }
}
