import { retryDelay } from '../api/retry-delay.ts'
import { InterruptiblePause } from '../api/interruptible-pause.ts'
import { shortMessage, isRetryable, isServerUnavailable } from '../api/api-error.ts'
import { TokenBucket } from './token-bucket.ts'
import type { CountedEvent } from './api-event.ts'
import type { VolumeEvent } from './volume-event.ts'

/** Limits per object, as for Kubernetes' clients (client-go: events_cache.go, defaultSpamBurst, defaultSpamQPS). */
const OBJECT_BURST = 25
const OBJECT_INTERVAL_MS = 300_000
/** Limits for the whole node: a quarter of a kubelet's (kubelet: eventBurst, eventRecordQPS). */
const NODE_BURST = 25
const NODE_INTERVAL_MS = 100
/**
 * `patience` in milliseconds: an older event is no longer useful. `most`: the length of the queue, for several hundred volumes
 * with their pods; when it is exceeded, the oldest events are dropped.
 */
const LIMITS = { patience: 600_000, most: 1_000 }

interface QueuedEvent<Subject> {
  readonly subject: Subject
  readonly key: string
  readonly object: string
  counted: CountedEvent
  tries: number
  /** When it may be sent, and when it expires, in milliseconds of the monotonic clock. */
  due: number
  until: number
}

/**
 * The queue of events to send. Adding an event never waits and never fails. Events are sent one after the other. A repetition of
 * a queued event is counted in it; an event that cannot be sent within ten minutes is dropped.
 */
export class EventQueue<Subject> {
  readonly #send: (subject: Subject, counted: CountedEvent) => Promise<void>
  readonly #say: (line: string) => void
  readonly #limits: typeof LIMITS
  readonly #waiting = new Map<string, QueuedEvent<Subject>>()
  readonly #objects = new Map<string, TokenBucket>()
  readonly #all = new TokenBucket(NODE_BURST, NODE_INTERVAL_MS, performance.now())
  /** No request is sent to the server before this time. */
  #pausedUntilMs = 0
  #tries = 0
  #trouble: string | null = null
  readonly #pause = new InterruptiblePause()

  constructor(
    send: (subject: Subject, counted: CountedEvent) => Promise<void>,
    say: (line: string) => void,
    limits = LIMITS,
  ) {
    this.#send = send
    this.#say = say
    this.#limits = limits
  }

  put(subject: Subject, event: VolumeEvent): void {
    const object = JSON.stringify(subject)
    const key = `${object} ${event.reason}`
    const now = new Date()
    const until = performance.now() + this.#limits.patience
    const known = this.#waiting.get(key)
    if (known) {
      const { first, count } = known.counted
      const again = known.counted.event.id === event.id ? 0 : 1
      known.counted = { event, first, last: now, count: count + again }
      known.until = until
    } else {
      const counted = { event, first: now, last: now, count: 1 }
      this.#waiting.set(key, { subject, key, object, counted, tries: 0, due: 0, until })
    }
    this.#pause.end()
  }

  /** Sends queued events until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = performance.now()
      this.#drop(now)
      const all = [...this.#waiting.values()]
      const next = all.reduce<[QueuedEvent<Subject>, number] | null>((best, queued) => {
        const wait = this.#wait(queued, now)
        return best === null || wait < best[1] ? [queued, wait] : best
      }, null)
      if (next === null || next[1] > 0) await this.#pause.wait(next?.[1] ?? this.#limits.patience, signal)
      else await this.#deliver(next[0], signal)
    }
  }

  #wait({ due, object }: QueuedEvent<Subject>, now: number): number {
    const bucket = this.#objects.get(object)
    return Math.max(due - now, this.#pausedUntilMs - now, this.#all.wait(now), bucket?.wait(now) ?? 0, 0)
  }

  async #deliver(queued: QueuedEvent<Subject>, signal: AbortSignal): Promise<void> {
    const started = performance.now()
    // A repetition that is added during the request is sent separately.
    this.#waiting.delete(queued.key)
    try {
      await this.#send(queued.subject, queued.counted)
      this.#take(queued, started)
      this.#tries = 0
      if (this.#trouble !== null) this.#say('kubernetes: events can be sent again')
      this.#trouble = null
    } catch (error) {
      if (!signal.aborted) this.#failed(queued, error as Error)
    }
  }

  #take({ object }: QueuedEvent<Subject>, now: number): void {
    this.#all.take(now)
    const bucket = this.#objects.get(object) ?? new TokenBucket(OBJECT_BURST, OBJECT_INTERVAL_MS, now)
    bucket.take(now)
    this.#objects.set(object, bucket)
    for (const [key, one] of this.#objects) if (one.isFull(now)) this.#objects.delete(key)
  }

  #failed(queued: QueuedEvent<Subject>, error: Error): void {
    const { reason } = queued.counted.event
    const now = performance.now()
    const words = shortMessage(error)
    if (!isRetryable(error)) {
      this.#say(`kubernetes: the event ${reason} of ${queued.object} was dropped: ${words}`)
      return
    }
    queued.tries++
    queued.due = now + retryDelay(queued.tries, error)
    if (isServerUnavailable(error)) this.#pausedUntilMs = now + retryDelay(++this.#tries, error)
    if (words !== this.#trouble) this.#say(`kubernetes: events are delayed: ${words}`)
    this.#trouble = words
    const newer = this.#waiting.get(queued.key)
    if (newer)
      newer.counted = {
        ...newer.counted,
        first: queued.counted.first,
        count: newer.counted.count + queued.counted.count,
      }
    else this.#waiting.set(queued.key, queued)
  }

  #drop(now: number): void {
    const all = [...this.#waiting.values()]
    const gone = all.filter(({ until }) => until <= now)
    gone.push(...all.filter((queued) => !gone.includes(queued)).slice(0, -this.#limits.most))
    for (const { key } of gone) this.#waiting.delete(key)
    if (gone.length === 0) return
    const what = gone.length === 1 ? 'an event was' : `${gone.length} events were`
    this.#say(`kubernetes: ${what} dropped: ${this.#trouble ?? 'the queue is full'}`)
  }
}
