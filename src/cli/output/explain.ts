import type { Cause, Explanation, Outage, SessionOutages, Span } from '../../explain/report.ts'
import { causesText } from './explain-causes.ts'
import { unreadText } from './explain-inputs.ts'
import { count, time, dateOf, afterBoot } from './explain-words.ts'
import { facts } from './facts.ts'
import { oneLine } from '../../model/printable.ts'
import type { Look } from './look.ts'
import { wrap } from './wrap.ts'

/** A flapping session has hundreds of outages; the longest and the worst are shown. */
const SHOWN = 10

/** Every session's outages, other causes, and finally what would have prevented them. */
export function explainText(explanation: Explanation, look: Look): string {
  const { sessions, causes, inputs } = explanation
  const unread = unreadText(inputs, look)
  if (!inputs.some(({ understood }) => understood)) return unread
  const parts = [
    headOf(explanation),
    ...sessions.map((session) => sessionText(session, look)),
    causesText(causes, look),
    sessions.length === 0 ? '' : advice(sessions, causes, look),
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

function sessionText(story: SessionOutages, look: Look): string {
  const { session, connection, portal, iqn, host, boot, outages } = story
  const place = [
    portal === null ? '' : ` to ${portal}`,
    host === null ? '' : ` on ${host}`,
    boot === 0 ? '' : `, after reboot ${boot}`,
  ].join('')
  const title = `${look.paint('bold', `session ${session}`)}${connection === 0 ? '' : `, connection ${connection}`}${oneLine(place)}\n`
  const shown = worst(outages)
  const left = outages.length - shown.length + story.left
  return [
    title,
    iqn === null ? '' : `  ${oneLine(iqn)}\n`,
    shown.map((outage) => outageText(outage, look)).join('\n'),
    left === 0
      ? ''
      : `\n  and ${count(left, 'shorter outage')}; --json has ${story.left === 0 ? 'all' : `${outages.length} of all`}\n`,
  ].join('')
}

/** In the order of the log; if there are too many, the harmful and the longest ones. */
function worst(outages: readonly Outage[]): readonly Outage[] {
  if (outages.length <= SHOWN) return outages
  const weight = ({ survived, awayAtLeast }: Outage) => (survived ? 0 : 1e9) + (awayAtLeast ?? 0)
  const kept = new Set(outages.toSorted((a, b) => weight(b) - weight(a)).slice(0, SHOWN))
  return outages.filter((outage) => kept.has(outage))
}

function outageText(outage: Outage, look: Look): string {
  const { lostAt, lostUptime, noticed, ioErrors, devices, survived, prevention, hungTasks } = outage
  const day = lostAt?.slice(0, 10) ?? null
  const code = noticed.code === null ? '' : ` (error ${noticed.code})`
  const lost = time(lostAt, lostUptime, null)
  const words = lost ?? (noticed.how === 'unknown' ? null : 'at an unknown time')
  return facts(
    [
      ['lost', words === null ? 'before the log starts' : `${words}: ${oneLine(noticed.words)}${code}`],
      ['timer', timerOf(outage, day)],
      [
        'failed',
        ioErrors === 0 ? 'no I/O' : look.paint('red', `${count(ioErrors, 'I/O error')}${on(devices)}`),
      ],
      ...fates(outage, day, look),
      ...(hungTasks === 0
        ? []
        : [['waited', `${count(hungTasks, 'message')} about tasks blocked on I/O (hung_task)`] as const]),
      ['back', backOf(outage, day)],
      [
        survived ? 'survived' : prevention.holdSeconds === null ? 'remedy' : 'prevented by',
        look.paint(survived ? 'green' : 'yellow', prevention.words),
      ],
    ],
    look,
  )
}

function timerOf({ timer, timerInferred, expiredAt, expiredUptime }: Outage, day: string | null): string {
  const expired = time(expiredAt, expiredUptime, day)
  if (expired === null)
    return timer === null ? 'did not expire, as far as the log shows' : `${timer} s, expired`
  if (timer === null) return `expired by ${expired}`
  return timerInferred ? `expired by ${expired}, after about ${timer} s` : `${timer} s, expired ${expired}`
}

/** One line per device, in chronological order. */
function fates({ fileSystems }: Outage, day: string | null, look: Look): [string, string][] {
  return [...Map.groupBy(fileSystems, ({ device }) => device)].map(([device, all], index) => {
    const told = all
      .map(({ what, at, uptime }) => [what, time(at, uptime, day)].filter(Boolean).join(' '))
      .join(', ')
    return [index === 0 ? 'broken' : '', look.paint('red', `${all[0]!.type} on ${oneLine(device)}: ${told}`)]
  })
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
  const away = awayAtLeast === null ? '' : `; away for at least ${awayAtLeast} s`
  const seen = `${away}${tried && `, ${tried} seen`}`
  if (ended === 'unseen') return `between this outage and the next; the log does not say when${seen}`
  if (ended === 'reboot') return `not before the machine was restarted${seen}`
  if (ended === 'logout') return `not before the session was logged out${seen}`
  if (ended === 'login') return `not before the session was replaced by a new login${seen}`
  return `not in this log${seen}`
}

/** The hold that is long enough, for outages where a hold is the remedy. */
function advice(sessions: readonly SessionOutages[], causes: readonly Cause[], look: Look): string {
  const outages = sessions.flatMap(({ outages }) => outages)
  const harmful = outages.filter(({ survived }) => !survived)
  const curable = harmful.filter(({ failedBy }) => failedBy === 'timer' || failedBy === 'multipathd')
  if (harmful.length > 0 && curable.length === 0)
    return paragraph(
      'The failures were not caused by an expired timer: a longer hold alone would not have prevented them.',
      look,
    )
  const heard = curable.length > 0 ? curable : riddenOut(outages)
  const longest = heard.toSorted((a, b) => needed(b) - needed(a))[0]!
  const { holdSeconds, known } = longest.prevention
  const open = heard.some(({ prevention }) => !prevention.known)
  if (holdSeconds === null) return paragraph('The log does not show how long the outages were.', look)
  const hold = known && !open ? `a hold of at least ${holdSeconds} s` : `a hold longer than ${holdSeconds} s`
  const other = causes.some(({ ioErrors, fileSystems }) => ioErrors > 0 || fileSystems.length > 0)
  const said =
    harmful.length === 0
      ? `${other ? 'No outage caused damage' : 'Nothing failed'}. To survive the same again: ${hold}.`
      : `What would have prevented it: ${hold}.`
  const more = open
    ? ' Not every return is in the log: use the real length of the outage, plus a margin.'
    : ` With Lunkeeper: lunkeeper hold NAME --set ${holdSeconds}s`
  const apart = other ? ' No hold would have prevented what the other causes broke.' : ''
  return paragraph(`${look.paint('bold', said)}${apart}${more}`, look)
}

/** A reboot or a logout does not show how long the target was away, so other outages are preferred if there are any. */
function riddenOut(outages: readonly Outage[]): readonly Outage[] {
  const ended = outages.filter(({ ended }) => ended === 'back' || ended === 'unseen' || ended === null)
  return ended.length > 0 ? ended : outages
}

function needed({ prevention }: Outage): number {
  return prevention.holdSeconds ?? -1
}

function paragraph(text: string, look: Look): string {
  return wrap(text, look.width)
    .map((line) => `${line}\n`)
    .join('')
}

function on(devices: readonly string[]): string {
  return devices.length === 0 ? '' : ` on ${devices.map(oneLine).join(', ')}`
}
