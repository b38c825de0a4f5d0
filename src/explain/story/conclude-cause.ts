import type { CauseKind } from '../cause-kind.ts'
import { CAUSES } from '../cause-kind.ts'
import type { Cause, Outage, SessionStory } from '../report.ts'
import type { OpenCause } from './causes.ts'
import { isoOf, uptimeOf } from './moment.ts'

/** Returns within this many seconds show that the target was slow, not away. */
const BRIEF = 30
/** A single occurrence is not significant. */
const OFTEN = 3

/** The final description of a cause, after the whole log was read. */
export function concludeCause(cause: OpenCause, host: string | null, boot: number): Cause {
  const { kind, subject, first, last, count, ioErrors, detail, fileSystems } = cause
  return {
    host,
    boot,
    kind,
    subject,
    ...CAUSES[kind],
    count,
    ioErrors,
    fileSystems: [...fileSystems.values()].map(({ at, ...failure }) => ({
      ...failure,
      at: isoOf(at),
      uptime: uptimeOf(at),
    })),
    firstAt: isoOf(first),
    firstUptime: uptimeOf(first),
    lastAt: isoOf(last),
    lastUptime: uptimeOf(last),
    detail,
  }
}

/** What the outages of a session show together but not separately. */
export function slowSessions(story: SessionStory): Cause[] {
  const brief = story.outages.filter(
    ({ noticed, survived, seconds }) =>
      noticed.how === 'silent' && survived && seconds !== null && seconds <= BRIEF,
  )
  const reset = story.outages.filter(({ noticed }) => noticed.how === 'reset')
  return [
    ...(brief.length >= OFTEN ? [derived('ping-timeout', story, brief)] : []),
    ...(reset.length > 0 ? [derived('session-reset', story, reset)] : []),
  ]
}

function derived(kind: CauseKind, story: SessionStory, outages: readonly Outage[]): Cause {
  const first = outages[0]!
  const last = outages.at(-1)!
  return {
    host: story.host,
    boot: story.boot,
    kind,
    subject: `session ${story.session}`,
    ...CAUSES[kind],
    count: outages.length,
    ioErrors: 0,
    fileSystems: [],
    firstAt: first.lostAt,
    firstUptime: first.lostUptime,
    lastAt: last.lostAt,
    lastUptime: last.lostUptime,
    detail: first.noticed.words,
  }
}
