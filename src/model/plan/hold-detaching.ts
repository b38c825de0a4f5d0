import type { HeldPath, HoldFacts, HoldMemory, HoldPlan, HoldStep } from './hold-facts.ts'
import { isUsable } from './hold-facts.ts'
import { QUIET, stopped } from './hold-given-up.ts'
import { isGivenUp } from './hold-outage.ts'
import { takeResults } from './hold-results.ts'

/** Watched attributes show most changes. */
const ROUND_MS = 20_000
/** While a command is at work: nothing shows that it was killed. */
const WORKED_ON_MS = 2_000

/**
 * The next steps for a volume whose detach has begun. A detach that is at work is left alone: it asks the disks itself before
 * each act that can write. If it was killed or failed, a file system may still be mounted and write: so the agent goes on asking
 * which volume answers and who owns it, and stops I/O that must not go there. Everything else is left to the next detach: no
 * outage begins, no path is brought back, nothing is unmounted or attached.
 */
export function planDetaching(facts: HoldFacts, before: HoldMemory): HoldPlan {
  const { nowMs, mode, map, paths } = facts
  const { note, memory, steps: taken } = takeResults(facts, before)
  const plan = {
    ...QUIET,
    state: isGivenUp(note) ? note.kind : 'detaching',
    memory,
    steps: taken,
    lookAtMs: nowMs + ROUND_MS,
    isSettled: true,
  } as const
  // Certain, and not a doubt: also where a detach is at work.
  if (isGivenUp(note)) return { ...plan, steps: note.isClear ? taken : [...taken, ...stopped(facts, note)] }
  if (facts.isWorkedOn)
    return { ...plan, memory: { ...memory, verified: new Map() }, lookAtMs: nowMs + WORKED_ON_MS }
  if (mode !== 'map') return { ...plan, checks: paths.filter(isUsable).map(({ sid }) => sid) }
  if (typeof map !== 'object') return plan
  const isActive = ({ devno }: HeldPath) => map.paths.some((one) => one.active && one.devno === devno)
  const active = paths.filter((path) => isUsable(path) && isActive(path))
  const answerOf = ({ sid, connection }: HeldPath) => {
    const known = memory.verified.get(sid)
    return known?.connection === connection ? known.kind : null
  }
  // Asked without an answer, or without one that says whose the volume is: I/O waits until the next detach has asked.
  const refused = active.filter((path) => answerOf(path) === 'refused')
  const unasked = active.filter((path) => answerOf(path) === null)
  const carrying = active.filter((path) => !refused.includes(path))
  // A path that was failed, and is used again, was brought back by a command: it is asked again.
  const verified = new Map(
    active.flatMap(({ sid }) => {
      const known = memory.verified.get(sid)
      return known ? [[sid, known]] : []
    }),
  )
  for (const { sid, connection } of unasked) verified.set(sid, { kind: 'asking', connection })
  return {
    ...plan,
    memory: { ...memory, carrying: carrying.map(({ devno }) => devno), verified },
    steps: [
      ...taken,
      ...refused.map(({ devno }): HoldStep => ({ kind: 'fail', devno })),
      ...unasked.map(({ sid, connection, disk, devno }): HoldStep => ({
        kind: 'verify',
        sid,
        connection,
        disk,
        devno,
      })),
    ],
    checks: carrying.map(({ sid }) => sid),
  }
}
