import type { Explanation, FileSystemFailure, Outage, SessionOutages, Span } from '../../explain/report.ts'
import { adviceText } from './explain-advice.ts'
import { causesText } from './explain-causes.ts'
import { unreadText } from './explain-inputs.ts'
import { count } from '../../model/count.ts'
import { heaviest } from '../../model/heaviest.ts'
import { afterBoot, dateOf, ofSessions, whereText, time } from './explain-format.ts'
import { labelledValues } from './labelled-values.ts'
import { oneLine } from '../../model/printable.ts'
import type { Display } from './display.ts'

/** At most this many outages of a session are printed: a flapping session has hundreds. */
const MAX_OUTAGES = 10

/** The outages of every session, other causes, and finally how to prevent them. */
export function explainText(explanation: Explanation, display: Display): string {
  const { sessions, causes, inputs } = explanation
  const unread = unreadText(inputs, display)
  if (!inputs.some(({ understood }) => understood)) return unread
  const parts = [
    headOf(explanation),
    ...sessions.map((session) => sessionText(session, inputs.length > 1, display)),
    causesText(causes, inputs.length > 1, display),
    sessions.length === 0 ? '' : adviceText(sessions, causes, display),
    unread,
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function headOf({ sessions, causes, lines, span, inputs }: Explanation): string {
  const files = inputs.length === 1 ? '' : ` of ${inputs.length} logs`
  const read = `${count(lines, 'line')}${files}${spanOf(span)}`
  const missed = inputs.reduce((sum, input) => sum + input.missed, 0)
  if (sessions.length > 0) {
    const total = sessions.reduce((sum, { outages, left }) => sum + outages.length + left, 0)
    return `${count(total, 'outage')} of ${count(sessions.length, 'iSCSI connection')} in ${read}.\n`
  }
  if (causes.length > 0) return `No iSCSI session was lost in ${read}, but the log shows this:\n`
  return missed > 0
    ? `Nothing was found in ${read}, but some lines about iSCSI could not be read.\n`
    : `No outage of an iSCSI session in ${read}.\n`
}

function spanOf({ from, to, fromUptime, toUptime }: Span): string {
  if (from !== null && to !== null) return `, ${dateOf(from)} to ${dateOf(to)}`
  return fromUptime === null || toUptime === null
    ? ''
    : `, ${afterBoot(fromUptime)} to ${afterBoot(toUptime)}`
}

function sessionText(story: SessionOutages, several: boolean, display: Display): string {
  const { session, connection, portal, iqn, outages } = story
  const place = `${portal === null ? '' : ` to ${portal}`}${whereText(story, several)}`
  const title = `${display.paint('bold', `session ${session}`)}${connection === 0 ? '' : `, connection ${connection}`}${oneLine(place)}\n`
  const shown = heaviest(outages, MAX_OUTAGES, weightOf)
  const left = outages.length - shown.length + story.left
  return [
    title,
    iqn === null ? '' : `  ${oneLine(iqn)}\n`,
    shown.map((outage) => outageText(outage, display)).join('\n'),
    left === 0
      ? ''
      : `\n  and ${count(left, 'shorter outage')}; --json has ${story.left === 0 ? 'all' : `${outages.length} of all`}\n`,
  ].join('')
}

/** Harmful outages first, then the longest ones. */
function weightOf({ survived, awayAtLeast }: Outage): number {
  return (survived ? 0 : 1e9) + (awayAtLeast ?? 0)
}

function outageText(outage: Outage, display: Display): string {
  const { lostAt, lostUptime, noticed, survived, prevention, hungTasks } = outage
  const day = lostAt?.slice(0, 10) ?? null
  const code = noticed.code === null ? '' : ` (error ${noticed.code})`
  const lost = time(lostAt, lostUptime, null)
  const words = lost ?? (noticed.how === 'unknown' ? null : 'at an unknown time')
  return labelledValues(
    [
      ['lost', words === null ? 'before the log starts' : `${words}: ${oneLine(noticed.words)}${code}`],
      ['timer', timerOf(outage, day)],
      ...failureLines(outage, day, display),
      ...(hungTasks === 0
        ? []
        : [['waited', `${count(hungTasks, 'message')} about tasks blocked on I/O (hung_task)`] as const]),
      ['back', backOf(outage, day)],
      [
        survived ? 'survived' : prevention.holdSeconds === null ? 'remedy' : 'prevented by',
        display.paint(survived ? 'green' : 'yellow', prevention.words),
      ],
    ],
    display,
  )
}

function timerOf({ timer, timerInferred, expiredAt, expiredUptime }: Outage, day: string | null): string {
  const expired = time(expiredAt, expiredUptime, day)
  if (expired === null)
    return timer === null ? 'did not expire, as far as the log shows' : `${timer} s, expired`
  if (timer === null) return `expired by ${expired}`
  return timerInferred ? `expired by ${expired}, after about ${timer} s` : `${timer} s, expired ${expired}`
}

/** What failed: I/O, then file systems, one line per device. */
function failureLines(outage: Outage, day: string | null, display: Display): [string, string][] {
  const { ioErrors, devices, rejected, fileSystems, shared } = outage
  const io = [
    ioFailure(ioErrors, ioErrors > 0 ? devices : rejected),
    ...shared.map((failure) => {
      const { device, ioErrors: errors, isRejected } = failure
      const text = ioFailure(errors, errors > 0 || isRejected ? [device] : [])
      return text && `${text}${ofSessions(failure)}`
    }),
  ].filter((text) => text !== null)
  const broken = [
    ...fileSystemTexts(fileSystems, day),
    ...shared.flatMap((failure) =>
      fileSystemTexts(failure.fileSystems, day).map((text) => `${text}${ofSessions(failure)}`),
    ),
  ]
  return [
    ...(io.length === 0
      ? [['failed', 'no I/O error logged'] as [string, string]]
      : red('failed', io, display)),
    ...red('broken', broken, display),
  ]
}

function ioFailure(errors: number, devices: readonly string[]): string | null {
  const names = devices.map(oneLine).join(', ')
  if (errors > 0) return `${count(errors, 'I/O error')}${names && ` on ${names}`}`
  return names === '' ? null : `no I/O error logged, but I/O of ${names} was rejected`
}

/** One text per device, in chronological order. */
function fileSystemTexts(fileSystems: readonly FileSystemFailure[], day: string | null): string[] {
  return [...Map.groupBy(fileSystems, ({ device }) => device)].map(([device, all]) => {
    const failures = all.map(({ what, at, uptime }) =>
      [what, time(at, uptime, day)].filter(Boolean).join(' '),
    )
    return `${all[0]!.type} on ${oneLine(device)}: ${failures.join(', ')}`
  })
}

function red(label: string, texts: readonly string[], display: Display): [string, string][] {
  return texts.map((text, index) => [index === 0 ? label : '', display.paint('red', text)])
}

function backOf(outage: Outage, day: string | null): string {
  const { backAt, backUptime, seconds, attempts, ended, awayAtLeast } = outage
  const tried = attempts === null ? '' : count(attempts, 'attempt')
  const back = time(backAt, backUptime, day)
  if (back !== null || ended === 'back') {
    const after = [seconds === null ? '' : `${seconds} s`, tried].filter(Boolean).join(' and ')
    const at = back ?? 'at an unknown time'
    return after ? `${at}, after ${after}` : at
  }
  const away = awayAtLeast ? `; away for at least ${awayAtLeast} s` : ''
  const seen = `${away}${tried && `, ${tried} seen`}`
  if (ended === 'unseen') return `between this outage and the next; the log does not say when${seen}`
  if (ended === 'reboot') return `not before the machine was restarted${seen}`
  if (ended === 'logout') return `not before the session was logged out${seen}`
  if (ended === 'login') return `not before the session was replaced by a new login${seen}`
  return `not in this log${seen}`
}
