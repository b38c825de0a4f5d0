import type { HoldFacts, Refused } from './hold-facts.ts'
import type { HoldMemory, Verified } from './hold-memory.ts'
import type { HoldStep, Returned, StepOf, StepResult } from './hold-steps.ts'
import type { OutagePlan } from './hold-outage.ts'
import { fence, misplace, recoveryInterval, say, takeRecovery, takeRefusal } from './hold-outage.ts'
import { afterKept, afterRefusal, NO_ATTEMPT } from './hold-path.ts'

/** The effect of a result: the new memory, and the steps to do at once, before the next look. */
export interface Taken {
  readonly memory: HoldMemory
  readonly steps: readonly HoldStep[]
  /** When to look again at the latest; `Infinity`: the result requires no look. */
  readonly lookAtMs: number
}

/** After an attach that failed. */
const REATTACH_INTERVAL_MS = 1_000

type Facts = Pick<HoldFacts, 'nowMs' | 'wallMs' | 'wanted' | 'mode' | 'note'>

/** A path no longer leads to the volume, or another node owns the volume. */
export interface Loss {
  readonly sid: number
  readonly devno: string
  readonly connection: string | null
  readonly refused: Refused
  /** A sentence about I/O that went through the path since it last proved to be the volume; null if there was none. */
  readonly moved: string | null
}

/** Records and logs, during a look, what the results of steps have left in the memory since the last look. */
export function takeResults(facts: HoldFacts, before: HoldMemory): OutagePlan {
  const { unsaid } = before
  const recovery = takeRecovery(facts, { ...before, unsaid: [] }, facts.note)
  const refusal = takeRefusal(facts, recovery.memory, recovery.note)
  return { ...refusal, steps: [...unsaid, ...recovery.steps, ...refusal.steps] }
}

/** Takes in the result of a lasting step. */
export function afterStep(facts: Facts, before: HoldMemory, result: StepResult): Taken {
  const { nowMs } = facts
  const { recovery } = before
  switch (result.kind) {
    case 'verify':
      return afterVerify(facts, before, result)
    case 'return': {
      const memory = afterReturn(before, result, nowMs)
      return { ...keep(memory), lookAtMs: memory.attempts.get(result.step.portal)?.nextMs ?? 0 }
    }
    case 'recover': {
      const failures = result.trouble === null ? 0 : recovery.failures
      const nextMs = nowMs + recoveryInterval(failures)
      return keep({ ...before, recovery: { ...recovery, isBusy: false, failures, nextMs, result } })
    }
    case 'recover-failed': {
      const failures = recovery.failures + 1
      const nextMs = nowMs + recoveryInterval(failures)
      const memory = { ...before, recovery: { isBusy: false, isVoid: false, failures, nextMs, result: null } }
      const { refused } = result
      if (refused.cause === 'lost') return lost(facts, memory, refused)
      return { ...keep(said(memory, say(`not usable yet: ${refused.message}`, 'recover'))), lookAtMs: nextMs }
    }
    case 'clear': {
      const memory = { ...before, isClearing: false }
      if (result.users === null)
        return keep(
          facts.note?.kind === 'fenced'
            ? said(memory, say('it is not mounted any more, and has no hold map'))
            : memory,
        )
      const text = `it will be unmounted once it is no longer in use: ${result.users}`
      return { ...keep(said(memory, say(text, 'misplaced'))), lookAtMs: Infinity }
    }
    case 'attach':
      return keep(said({ ...before, isAttaching: false }, { ...say('attached again'), code: 'reattached' }))
    case 'failed':
      break
  }
  const { step, refused } = result
  const reattachMs = Math.max(before.reattachMs, nowMs + REATTACH_INTERVAL_MS)
  const memory =
    step.kind === 'attach' ? { ...before, isAttaching: false, reattachMs } : { ...before, isClearing: false }
  if (step.kind === 'attach' && refused.cause === 'lost') return afterLostMeanwhile(facts, memory, refused)
  return { ...keep(said(memory, say(refused.message, step.kind))), lookAtMs: Infinity }
}

/** Another node has had the volume while it was not in use here: it is not attached again automatically. */
function afterLostMeanwhile(facts: Facts, memory: HoldMemory, refused: Refused): Taken {
  const unwritten = { bytes: 0, of: 'volume' } as const
  return lost(facts, memory, { ...refused, unwritten })
}

const keep = (memory: HoldMemory): Taken => ({ memory, steps: [], lookAtMs: 0 })

/** Another node owns the volume. @param first what stops its I/O, before that is recorded */
const lost = (facts: Facts, memory: HoldMemory, refused: Refused, ...first: readonly HoldStep[]): Taken => ({
  ...keep(memory),
  steps: [...first, ...fence(facts, facts.note, refused).steps],
})

function afterVerify(
  facts: Facts,
  before: HoldMemory,
  { step, refused }: Extract<StepResult, { kind: 'verify' }>,
): Taken {
  const { sid, devno, connection, disk } = step
  if (refused === null)
    return keep({ ...before, verified: verified(before, sid, { kind: 'proven', connection }) })
  if (refused.cause === 'foreign' || refused.cause === 'lost') {
    // The path carried I/O while it was being asked.
    const moved = `I/O sent through ${disk} may have reached that volume`
    return takeLoss(facts, before, { sid, devno, connection, refused, moved })
  }
  // The path is not asked again at once: an unmapped LUN would be asked endlessly.
  return keep({ ...before, verified: verified(before, sid, { kind: 'refused', connection }) })
}

/**
 * Stops I/O through a path that no longer leads to the volume. If I/O may have reached another volume, the volume
 * is misplaced. If the LUN was only unmapped, it receives no writes, and it may return.
 */
export function takeLoss(facts: Facts, before: HoldMemory, loss: Loss): Taken {
  const { sid, devno, connection, refused, moved } = loss
  const memory: HoldMemory = {
    ...before,
    verified: verified(before, sid, { kind: 'refused', connection }),
    carrying: before.carrying.filter((known) => known !== devno),
    broughtBack: before.broughtBack.filter((known) => known !== devno),
  }
  const isLost = refused.cause === 'lost'
  const dropped: HoldStep = { kind: 'drop-disk', sid }
  if (facts.mode === 'map') {
    const fail: HoldStep = { kind: 'fail', devno }
    if (isLost) return lost(facts, memory, refused, fail)
    const told = keep({ ...memory, refused })
    if (refused.cause !== 'foreign') return { ...told, steps: [fail, say(refused.message, 'identity')] }
    const misplaced = moved === null ? [] : misplace(facts, facts.note, `${refused.message}; ${moved}`).steps
    return { ...told, steps: [fail, ...misplaced, dropped, say(refused.message, 'identity')] }
  }
  // The kernel would write its dirty pages out to this disk: remove the disk, which writes nothing.
  if (isLost) return lost(facts, memory, refused, dropped)
  if (refused.cause !== 'foreign') return { ...keep(before), lookAtMs: Infinity }
  const unmoved = 'none of its I/O has gone there; its unwritten data is lost'
  const misplaced = misplace(facts, facts.note, `${refused.message}; ${moved ?? unmoved}`)
  return { ...keep(memory), steps: [dropped, ...misplaced.steps] }
}

function afterReturn(
  before: HoldMemory,
  { step, came }: { readonly step: StepOf<'return'>; readonly came: Returned },
  nowMs: number,
): HoldMemory {
  const { portal } = step
  const known = before.attempts.get(portal) ?? NO_ATTEMPT
  const ended = (attempt: typeof known): HoldMemory => ({
    ...before,
    attempts: new Map([...before.attempts, [portal, attempt]]),
  })
  if (came.kind === 'logged-out') return ended({ ...known, isBusy: false })
  if (came.kind === 'refused' && step.steps.every((one) => one === 'log-out')) {
    const text = `its lost session remains: ${came.refused.message}`
    return said(ended(afterKept(known, nowMs)), say(text, portal))
  }
  if (came.kind === 'moved') {
    const text = `the target now presents it as LUN ${came.to}; it was LUN ${came.from}`
    return said(ended(NO_ATTEMPT), say(text))
  }
  if (came.kind === 'refused') {
    const { refused, foundHere = false } = came
    const isTrouble = refused.cause === 'foreign' || refused.cause === 'absent' || refused.cause === 'lost'
    const isAsking = step.steps.at(-1) === 'verify'
    const memory = ended(afterRefusal(known, { cause: refused.cause, foundHere, isAsking }, nowMs))
    return said(isTrouble ? { ...memory, refused } : memory, say(refused.message, portal))
  }
  const { kind, path } = came
  if (kind === 'verified') {
    const now = { kind: 'answered', connection: path?.connection ?? null, atMs: nowMs } as const
    return { ...ended(NO_ATTEMPT), verified: path ? verified(before, path.sid, now) : before.verified }
  }
  const broughtBack = path ? [...before.broughtBack, path.devno] : before.broughtBack
  const memory = { ...ended(NO_ATTEMPT), broughtBack }
  const proven = path
    ? verified(memory, path.sid, { kind: 'proven', connection: path.connection })
    : memory.verified
  // The new table may have made paths usable that were refused before: ask them again.
  const open = new Map([...proven].filter(([, { kind }]) => kind !== 'refused'))
  return said({ ...memory, verified: open }, say(`${portal} is back`))
}

function verified({ verified: known }: HoldMemory, sid: number, now: Verified): HoldMemory['verified'] {
  return new Map([...known, [sid, now]])
}

function said(memory: HoldMemory, line: StepOf<'say'>): HoldMemory {
  return { ...memory, unsaid: [...memory.unsaid, line] }
}
