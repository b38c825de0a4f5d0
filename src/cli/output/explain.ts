import type { Explanation, Outage, SessionStory } from '../../explain/report.ts'
import { oneLine } from './printable.ts'
import { facts } from './facts.ts'
import type { Look } from './look.ts'
import { wrap } from './wrap.ts'

/** A session that flaps has hundreds; the longest and the worst tell enough. */
const SHOWN = 10

/** The story of every session, and at the end what would have prevented it. */
export function explainText({ sessions, lines, span }: Explanation, look: Look): string {
  const read = `${lines} ${lines === 1 ? 'line' : 'lines'}${spanOf(span)}`
  if (sessions.length === 0) return `No outage of an iSCSI session in ${read}.\n`
  const total = sessions.reduce((sum, { outages }) => sum + outages.length, 0)
  const head = `${count(total, 'outage')} of ${count(sessions.length, 'iSCSI connection')} in ${read}.\n`
  return [head, ...sessions.map((session) => sessionText(session, look)), advice(sessions, look)].join('\n')
}

function spanOf({ from, to, fromUptime, toUptime }: Explanation['span']): string {
  if (from !== null && to !== null) return `, ${dateOf(from)} to ${dateOf(to)}`
  return fromUptime === null || toUptime === null ? '' : `, ${boot(fromUptime)} to ${boot(toUptime)}`
}

function sessionText(story: SessionStory, look: Look): string {
  const { session, connection, portal, iqn, host, boot, outages } = story
  const place = [
    portal === null ? '' : ` to ${portal}`,
    host === null ? '' : ` on ${host}`,
    boot === 0 ? '' : `, after reboot ${boot}`,
  ].join('')
  const title = `${look.paint('bold', `session ${session}`)}${connection === 0 ? '' : `, connection ${connection}`}${oneLine(place)}\n`
  const shown = worst(outages)
  const left = outages.length - shown.length
  return [
    title,
    iqn === null ? '' : `  ${oneLine(iqn)}\n`,
    shown.map((outage) => outageText(outage, look)).join('\n'),
    left === 0 ? '' : `\n  and ${count(left, 'shorter outage')}; --json has all\n`,
  ].join('')
}

/** In the order of the log; those that did harm and the longest, where there are too many. */
function worst(outages: readonly Outage[]): readonly Outage[] {
  if (outages.length <= SHOWN) return outages
  const weight = ({ survived, awayAtLeast }: Outage) => (survived ? 0 : 1e9) + (awayAtLeast ?? 0)
  const kept = new Set(outages.toSorted((a, b) => weight(b) - weight(a)).slice(0, SHOWN))
  return outages.filter((outage) => kept.has(outage))
}

function outageText(outage: Outage, look: Look): string {
  const { lostAt, lostUptime, noticed, ioErrors, devices, survived, prevention } = outage
  const day = lostAt?.slice(0, 10) ?? null
  const code = noticed.code === null ? '' : ` (error ${noticed.code})`
  const lost = time(lostAt, lostUptime, null)
  return facts(
    [
      ['lost', lost === null ? 'before the log begins' : `${lost}: ${oneLine(noticed.words)}${code}`],
      ['timer', timerOf(outage, day)],
      [
        'failed',
        ioErrors === 0 ? 'no I/O' : look.paint('red', `${count(ioErrors, 'I/O error')}${on(devices)}`),
      ],
      ...fates(outage, day, look),
      ['back', backOf(outage, day)],
      [survived ? 'survived' : 'prevented by', look.paint(survived ? 'green' : 'yellow', prevention.words)],
    ],
    look,
  )
}

function timerOf({ timer, timerInferred, expiredAt, expiredUptime }: Outage, day: string | null): string {
  const expired = time(expiredAt, expiredUptime, day)
  if (expired === null) return 'did not run out, as far as the log goes'
  if (timer === null) return `ran out by ${expired}`
  return timerInferred ? `ran out by ${expired}, after about ${timer} s` : `${timer} s, ran out ${expired}`
}

/** One line a device, in the order in which things happened. */
function fates({ fileSystems }: Outage, day: string | null, look: Look): [string, string][] {
  return [...Map.groupBy(fileSystems, ({ device }) => device)].map(([device, all], index) => {
    const told = all.map(({ what, at, uptime }) => `${what} ${time(at, uptime, day)}`).join(', ')
    return [index === 0 ? 'broken' : '', look.paint('red', `${all[0]!.type} on ${oneLine(device)}: ${told}`)]
  })
}

function backOf(outage: Outage, day: string | null): string {
  const { backAt, backUptime, seconds, attempts, ended, awayAtLeast } = outage
  const tried = attempts === null ? '' : count(attempts, 'attempt')
  const back = time(backAt, backUptime, day)
  if (back !== null) {
    const after = [seconds === null ? '' : `${seconds} s`, tried].filter(Boolean).join(' and ')
    return after ? `${back}, after ${after}` : back
  }
  const away = awayAtLeast === null ? '' : `; away for at least ${awayAtLeast} s`
  const seen = `${away}${tried && `, ${tried} seen`}`
  if (ended === 'unseen') return `between this outage and the next; the log does not say when${seen}`
  if (ended === 'reboot') return `not before the machine was started anew${seen}`
  if (ended === 'logout') return `not before the session was logged out${seen}`
  return `not in this log${seen}`
}

function advice(sessions: readonly SessionStory[], look: Look): string {
  const outages = sessions.flatMap(({ outages }) => outages)
  const harmful = outages.filter(({ survived }) => !survived)
  const heard = harmful.length === 0 ? outages : harmful
  const longest = heard.toSorted((a, b) => needed(b) - needed(a))[0]!
  const { holdSeconds, known } = longest.prevention
  const open = heard.some(({ prevention }) => !prevention.known)
  if (holdSeconds === null) return paragraph('The log does not tell how long the outages were.', look)
  const hold = known && !open ? `a hold of at least ${holdSeconds} s` : `a hold longer than ${holdSeconds} s`
  const said =
    harmful.length === 0
      ? `Nothing failed. To live through as much again: ${hold}.`
      : `What would have prevented it: ${hold}.`
  const more = open
    ? ' Not every return is in the log: take the real absence, and a margin.'
    : ` For a volume of Lunkeeper: lunkeeper hold NAME --set ${holdSeconds}s`
  return paragraph(`${look.paint('bold', said)}${more}`, look)
}

function needed({ prevention }: Outage): number {
  return prevention.holdSeconds ?? -1
}

function paragraph(text: string, look: Look): string {
  return wrap(text, look.width)
    .map((line) => `${line}\n`)
    .join('')
}

/** Without the date where it is that of the line above. */
function time(at: string | null, uptime: number | null, day: string | null): string | null {
  if (at === null) return uptime === null ? null : boot(uptime)
  return day !== null && at.startsWith(day) ? dateOf(at).slice(11) : dateOf(at)
}

/** 2026-08-28 18:13:29, and UTC where the log says so. */
function dateOf(iso: string): string {
  const text = iso.replace('T', ' ')
  return text.endsWith('Z') ? `${text.slice(0, 19)} UTC` : text.slice(0, 19)
}

function boot(seconds: number): string {
  return `${seconds.toFixed(1)} s after boot`
}

function on(devices: readonly string[]): string {
  return devices.length === 0 ? '' : ` on ${devices.map(oneLine).join(', ')}`
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
