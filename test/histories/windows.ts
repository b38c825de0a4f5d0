import type { Pace } from './pace.ts'

/** How often the agent asks each disk which volume it is. */
const IDENTITY_CHECK_INTERVAL_MS = 5_000
/** For a busy machine with one processor, and for the question itself. */
const SLACK_MS = 5_000

/**
 * A LUN presents another volume than the one that an attachment reaches through it, and Lunkeeper cannot know that
 * yet. A host without reservations cannot keep bytes off the stranger until the next time it asks.
 */
export interface Window {
  /** The volume whose bytes may be found. */
  readonly writer: string
  /** The volume on which they may be found. */
  readonly stranger: string
  readonly from: number
  /** When the right volume was presented again; infinite while it is wrong. */
  until: number
  /** When Lunkeeper must have noticed it; null if that time has not come. */
  sealed: number | null
  /** Bytes were found there: Lunkeeper must have reported it, if it had the time. */
  used: boolean
  /** Whether `volumes` reported it. */
  isShown: boolean
}

/** Since when the agent has asked a volume's path which volume answers, without a pause; null while it does not. */
export type CheckedSince = (writer: string) => number | null

/** All windows of one history. Times are those of the host's monotonic clock. */
export class Windows {
  readonly #all: Window[] = []
  readonly #pace: Pick<Pace, 'factor'>

  constructor(pace: Pick<Pace, 'factor'> = { factor: 1 }) {
    this.#pace = pace
  }

  get #slackMs(): number {
    return SLACK_MS * this.#pace.factor
  }

  open(writer: string, stranger: string, now: number): void {
    if (this.#all.some((one) => one.writer === writer && one.stranger === stranger && one.until > now)) return
    this.#all.push({
      writer,
      stranger,
      from: now,
      until: Number.POSITIVE_INFINITY,
      sealed: null,
      used: false,
      isShown: false,
    })
  }

  /** What the writer reaches has changed: no stranger any more, or another one. @param shown what it reaches now */
  close(writer: string, now: number, shown: string | null): void {
    for (const window of this.#all)
      if (window.writer === writer && window.stranger !== shown && window.until > now) window.until = now
  }

  deadlineOf({ writer, from, sealed }: Window, checkedSince: CheckedSince): number {
    if (sealed !== null) return sealed
    const since = checkedSince(writer)
    if (since === null) return Number.POSITIVE_INFINITY
    return Math.max(from, since) + IDENTITY_CHECK_INTERVAL_MS + this.#slackMs
  }

  /** Once a window must have been noticed, that stays so, even if the agent dies later. */
  seal(now: number, checkedSince: CheckedSince): void {
    for (const window of this.#all) {
      const deadline = this.deadlineOf(window, checkedSince)
      if (window.sealed === null && window.until > deadline && now > deadline) window.sealed = deadline
    }
  }

  /** It was reported that another volume answers: from then on nothing of the writer may go anywhere. */
  noticed(writer: string, now: number): void {
    for (const window of this.#all)
      if (window.writer === writer && window.until > now)
        Object.assign(window, { sealed: window.sealed ?? now, isShown: true })
  }

  /** The windows that Lunkeeper must have noticed by now, and that are still wrong. */
  get overdue(): readonly Window[] {
    return this.#all.filter(({ sealed, until }) => sealed !== null && until === Number.POSITIVE_INFINITY)
  }

  /** Whether anything that a volume wrote between two moments may have gone to a stranger. */
  concerns(writer: string, from: number, to: number): boolean {
    return this.#all.some((one) => one.writer === writer && one.from <= to && one.until >= from)
  }

  /**
   * Why bytes of a writer may be on a stranger that was last looked at at `before`; null if nothing allows it.
   * Writes in progress when the window closed may land a moment later.
   */
  covers(stranger: string, before: number, checkedSince: CheckedSince, writer?: string): Window | null {
    return (
      this.#all.find(
        (one) =>
          one.stranger === stranger &&
          (writer === undefined || one.writer === writer) &&
          Math.min(one.until, this.deadlineOf(one, checkedSince)) + this.#slackMs / 5 >= before,
      ) ?? null
    )
  }

  get used(): readonly Window[] {
    return this.#all.filter(({ used }) => used)
  }
}
