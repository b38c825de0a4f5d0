import type { CauseKind } from '../cause-kind.ts'
import { CAUSES } from '../cause-kind.ts'
import type { Cause, Outage, SessionOutages, WhichBoot } from '../report.ts'
import type { OpenCause } from './causes.ts'
import { concludeFileSystems } from './file-system-failures.ts'
import { isoOf, uptimeOf } from './moment.ts'

/** A session that recovers within this many seconds had a slow target, not a dead one. */
const BRIEF_SECONDS = 30
/** Fewer brief outages are not reported as a problem. */
const MIN_BRIEF_OUTAGES = 3

/** Describes a cause for the report, after the whole log was read. */
export function concludeCause(cause: OpenCause, where: WhichBoot): Cause {
  const { kind, subject, first, last, count, ioErrors, detail, fileSystems } = cause
  return {
    ...where,
    kind,
    subject,
    ...CAUSES[kind],
    count,
    ioErrors,
    fileSystems: concludeFileSystems(fileSystems),
    firstAt: isoOf(first),
    firstUptime: uptimeOf(first),
    lastAt: isoOf(last),
    lastUptime: uptimeOf(last),
    detail,
  }
}

/** Problems that only several outages of a session show together: a slow target, resets by error handling. */
export function recurringProblems(session: SessionOutages): Cause[] {
  const brief = session.outages.filter(
    ({ noticed, survived, seconds }) =>
      noticed.how === 'silent' && survived && seconds !== null && seconds <= BRIEF_SECONDS,
  )
  const resets = session.outages.filter(({ noticed }) => noticed.how === 'reset')
  return [
    ...(brief.length >= MIN_BRIEF_OUTAGES ? [recurring('ping-timeout', session, brief)] : []),
    ...(resets.length > 0 ? [recurring('session-reset', session, resets)] : []),
  ]
}

function recurring(kind: CauseKind, session: SessionOutages, outages: readonly Outage[]): Cause {
  const first = outages[0]!
  const last = outages.at(-1)!
  return {
    host: session.host,
    log: session.log,
    boot: session.boot,
    kind,
    subject: `session ${session.session}`,
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
