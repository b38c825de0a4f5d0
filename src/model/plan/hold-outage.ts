import type { DirtyData } from '../bytes.ts'
import { formatDirtyData } from '../bytes.ts'
import type { HoldNote } from '../hold-note.ts'
import type { Hold } from '../hold.ts'
import type { LogCode } from '../log-entry.ts'
import type { HoldFacts, Refused } from './hold-facts.ts'
import type { HoldMemory } from './hold-memory.ts'
import type { HoldStep, StepOf } from './hold-steps.ts'

/**
 * A path that fails I/O this soon after its return has not ended the outage: the hold continues to count from the
 * first failure. The value is several times as long as the kernel takes to fail a command that its device answers
 * with an error.
 */
const RELAPSE_MS = 30_000
/** How long an idle volume's path is watched before it counts as usable. */
const TRIAL_MS = 300

/** Between two attempts to make a broken file system usable again; doubled after each failure. */
const RECOVERY_INTERVAL_MS = 1_000
const MAX_RECOVERY_INTERVAL_MS = 60_000

/** Reading both clocks takes less than this: a larger difference means that the wall clock was set. */
const CLOCK_STEP_MS = 1_000

type Facts = Pick<HoldFacts, 'nowMs' | 'wallMs' | 'wanted'>

/** How an outage continues: the note to record, the new memory, and the steps to do. */
export interface OutagePlan {
  readonly note: HoldNote | null
  readonly memory: HoldMemory
  readonly steps: readonly HoldStep[]
}

export const say = (text: string, about: string | null = null): StepOf<'say'> => ({
  kind: 'say',
  about,
  text,
})

/** Reports that the volume's state changed. @param seconds length of the outage that ended */
const tell = (code: LogCode, text: string, seconds?: number): StepOf<'say'> => ({
  ...say(text),
  code,
  ...(seconds === undefined ? {} : { seconds }),
})

/**
 * The last path is lost: the hold starts to count.
 * @param options.kept how long the session or multipathd holds I/O, if the agent does not
 * @param options.failedIo the target answers, but I/O through the path failed: an outage that has just ended
 * continues
 */
export function beginOutage(
  facts: Facts,
  memory: HoldMemory,
  { kept, failedIo = false }: { readonly kept?: Hold; readonly failedIo?: boolean },
): OutagePlan & { readonly note: HoldNote } {
  const { nowMs, wallMs, wanted } = facts
  const last = memory.lastOutage
  const isSameOutage = failedIo && last !== null && nowMs - last.endedMs < RELAPSE_MS
  const moment = isSameOutage
    ? { since: restamped(last, facts), sinceMs: last.sinceMs }
    : { since: new Date(wallMs).toISOString(), sinceMs: nowMs }
  const deadline = kept === undefined ? {} : { deadline: after(Date.parse(moment.since), kept) }
  const note: HoldNote = { ...moment, ended: null, trouble: null, ...deadline }
  const what = failedIo ? 'the target answers, but I/O fails' : 'all paths lost'
  const counted = isSameOutage ? `, counted from ${note.since}` : ''
  return {
    note,
    memory,
    steps: [
      { kind: 'record', note },
      tell('outage-began', `${what}; holding I/O ${limitOf(kept ?? wanted)}${counted}`),
    ],
  }
}

/** A recorded wall-clock time, corrected to the wall clock as it is set now. */
function restamped({ since, sinceMs }: { since: string; sinceMs: number }, { nowMs, wallMs }: Facts): string {
  const step = wallMs - Date.parse(since) - (nowMs - sinceMs)
  return Math.abs(step) < CLOCK_STEP_MS ? since : new Date(Date.parse(since) + step).toISOString()
}

/** When the hold began, on the monotonic clock. */
export function sinceMsOf(
  { since, sinceMs }: HoldNote,
  { nowMs, wallMs }: Pick<Facts, 'nowMs' | 'wallMs'>,
): number {
  return sinceMs ?? nowMs - (wallMs - Date.parse(since))
}

/** The hold ends: held I/O fails. */
export function endOutage(
  note: HoldNote,
  memory: HoldMemory,
  ended: NonNullable<HoldNote['ended']>,
  text: string,
): OutagePlan & { readonly note: HoldNote } {
  const over: HoldNote = { ...note, ended }
  return { note: over, memory, steps: [{ kind: 'record', note: over }, tell('hold-ended', text)] }
}

/**
 * Whether I/O goes through a path that returned: a request has completed since. An idle volume sends no requests,
 * so its path counts as usable after a moment (requests that the map queues are not counted as in flight:
 * block/blk-mq.c:blk_mq_check_inflight).
 */
export function goesThrough({ nowMs, io }: Pick<HoldFacts, 'nowMs' | 'io'>, memory: HoldMemory): boolean {
  const { completed, returnedMs } = memory
  if (io === null || completed === null || io.completed > completed) return true
  return io.inFlight === 0 && returnedMs !== null && nowMs - returnedMs > TRIAL_MS
}

/**
 * A path carries I/O: ends the outage. If the hold had ended, the file system is recovered first.
 * @returns `note` null: the outage is over
 */
export function resume(facts: Facts, memory: HoldMemory, note: HoldNote | null): OutagePlan {
  if (note === null) return { note, memory: { ...memory, completed: null, returnedMs: null }, steps: [] }
  if (note.ended === null) return over(facts, memory, note, (seconds) => `I/O resumed after ${seconds} s`)
  const { isBusy, nextMs } = memory.recovery
  if (isBusy || facts.nowMs < nextMs) return { note, memory, steps: [] }
  return {
    note,
    memory: { ...memory, recovery: { ...memory.recovery, isBusy: true } },
    steps: [{ kind: 'recover' }],
  }
}

/** Takes in the result of a recovery of the file system. */
export function takeRecovery(facts: Facts, memory: HoldMemory, note: HoldNote | null): OutagePlan {
  const { result, isVoid } = memory.recovery
  if (result === null) return { note, memory, steps: [] }
  const taken = { ...memory, recovery: { ...memory.recovery, isVoid: false, result: null } }
  if (note === null || note.ended === null) return { note, memory: taken, steps: [] }
  const { trouble } = result
  if (isVoid && trouble === null) return { note, memory: taken, steps: [] }
  if (trouble === null)
    return over(facts, taken, note, (seconds) => `usable again, ${seconds} s after all paths were lost`)
  const broken: HoldNote = { ...note, trouble, kind: 'broken' }
  const record = trouble === note.trouble ? [] : [{ kind: 'record', note: broken } as const]
  return { note: broken, memory: taken, steps: [...record, say(trouble, 'recover')] }
}

/** I/O fails: a recovery that is under way proves nothing, however it ends. */
export function voidRecovery({ recovery }: HoldMemory): HoldMemory['recovery'] {
  return { ...recovery, isVoid: recovery.isBusy || recovery.result !== null }
}

/** The pause after a recovery. @param failures how many recoveries failed in a row */
export function recoveryInterval(failures: number): number {
  return Math.min(MAX_RECOVERY_INTERVAL_MS, RECOVERY_INTERVAL_MS * 2 ** failures)
}

function over(
  facts: Facts,
  memory: HoldMemory,
  note: HoldNote,
  text: (seconds: number) => string,
): OutagePlan {
  const { nowMs } = facts
  const sinceMs = sinceMsOf(note, facts)
  const seconds = Math.round((nowMs - sinceMs) / 1000)
  return {
    note: null,
    memory: {
      ...memory,
      lastOutage: { since: note.since, sinceMs, endedMs: nowMs },
      completed: null,
      returnedMs: null,
      refused: null,
    },
    steps: [{ kind: 'record', note: null }, tell('outage-ended', text(seconds), seconds)],
  }
}

/** Records why no path returns although a target answers, or that another node owns the volume. */
export function takeRefusal(facts: Facts, memory: HoldMemory, note: HoldNote | null): OutagePlan {
  const { refused } = memory
  const taken = { ...memory, refused: null }
  if (refused === null) return { note, memory, steps: [] }
  if (refused.cause === 'lost') return { ...fence(facts, note, refused), memory: taken }
  if (note === null) return { note, memory: taken, steps: [] }
  if (note.trouble === refused.message || isGivenUp(note)) return { note, memory: taken, steps: [] }
  const stranger: HoldNote = { ...note, trouble: refused.message, kind: 'stranger' }
  return { note: stranger, memory: taken, steps: [{ kind: 'record', note: stranger }] }
}

/** Another volume answered while I/O went through the path: the hold ends, and nothing more of the volume is written. */
export function misplace(facts: Facts, note: HoldNote | null, trouble: string): Omit<OutagePlan, 'memory'> {
  // Keep the volume fenced: a misplaced volume would be attached again.
  if (note?.kind === 'fenced') return { note, steps: [] }
  return giveUpVolume(facts, note, {
    kind: 'misplaced',
    trouble,
    text: `${trouble}; its I/O now fails, and its dirty pages are not written`,
  })
}

/** Another node owns the volume: the hold ends, and no unwritten data of this node reaches the volume. */
export function fence(
  facts: Facts,
  note: HoldNote | null,
  { message, holder, unwritten }: Refused,
): Omit<OutagePlan, 'memory'> {
  if (note?.kind === 'fenced') return { note, steps: [] }
  return giveUpVolume(facts, note, {
    kind: 'fenced',
    trouble: message,
    text: `${message}; held I/O fails now, and ${lossOf(unwritten)}`,
    ...(holder === undefined ? {} : { holder }),
    ...(unwritten === undefined ? {} : { discarded: unwritten }),
  })
}

/** What this node loses when another node owns the volume. The text is the end of a sentence. */
export function lossOf(unwritten: DirtyData | undefined): string {
  if (unwritten === undefined) return 'the unwritten data of this node is discarded'
  if (unwritten.bytes === 0) return 'this node has no unwritten data'
  return `${formatDirtyData(unwritten)} of unwritten data ${unwritten.of === 'node' ? 'may be' : 'is'} discarded`
}

function giveUpVolume(
  facts: Facts,
  known: HoldNote | null,
  {
    text,
    ...why
  }: Pick<HoldNote, 'holder' | 'discarded'> & { kind: 'misplaced' | 'fenced'; trouble: string; text: string },
): Omit<OutagePlan, 'memory'> {
  const since = known?.since ?? new Date(facts.wallMs).toISOString()
  const sinceMs = known ? sinceMsOf(known, facts) : facts.nowMs
  const note: HoldNote = { since, sinceMs, ended: why.kind, ...why }
  return { note, steps: [{ kind: 'record', note }, tell('hold-ended', text)] }
}

/** Whether the volume is misplaced or fenced: it gets no more paths, and is unmounted once no process uses it. */
export function isGivenUp(
  note: HoldNote | null,
): note is HoldNote & { readonly kind: 'misplaced' | 'fenced' } {
  return note?.kind === 'misplaced' || note?.kind === 'fenced'
}

/** When a hold that begins now will end. @param now wall clock, in milliseconds @returns ISO 8601; null: it never ends */
export const after = (now: number, hold: Hold) =>
  hold === 'forever' ? null : new Date(now + hold * 1000).toISOString()

const limitOf = (hold: Hold) => (hold === 'forever' ? 'without a limit' : `for up to ${hold} s`)
