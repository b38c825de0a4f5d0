import type {
  Cause,
  Explanation,
  FileSystemFailure,
  Outage,
  SessionOutages,
  WhichBoot,
} from '../../../explain/report.ts'
import { count } from '../../../model/count.ts'

/** A bar of the chart. Times in milliseconds, by the wall clock or since boot. */
export interface Stretch {
  readonly kind: 'waiting' | 'failing' | 'cause'
  readonly from: number
  readonly to: number
  /** The log does not show the end. */
  readonly open: boolean
  readonly title: string
}

/** A symbol of the chart. */
export interface Mark {
  readonly kind: 'lost' | 'expired' | 'broken' | 'back' | 'cause'
  readonly at: number
  readonly title: string
}

/** A row of the chart: a connection of a session, or a device with another cause. */
export interface Track {
  readonly host: string
  readonly name: string
  readonly detail: string
  readonly stretches: readonly Stretch[]
  readonly marks: readonly Mark[]
}

/** The rows with dates, and the rows with only the time since boot, which need a separate axis. */
export interface Tracks {
  readonly dated: readonly Track[]
  readonly sinceBoot: readonly Track[]
}

type TimeOf = (at: string | null, uptime: number | null) => number | null

const DATED: TimeOf = (at) => (at === null ? null : Date.parse(at.endsWith('Z') ? at : `${at}Z`))
const SINCE_BOOT: TimeOf = (at, uptime) => (at === null && uptime !== null ? uptime * 1000 : null)

export function tracksOf({ sessions, causes }: Explanation): Tracks {
  const all = (timeOf: TimeOf) =>
    [
      ...sessions.map((story) => sessionTrack(story, timeOf)),
      ...causes.map((cause) => causeTrack(cause, timeOf)),
    ]
      .filter(({ stretches, marks }) => stretches.length > 0 || marks.length > 0)
      .toSorted((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0))
  return { dated: all(DATED), sinceBoot: all(SINCE_BOOT) }
}

function sessionTrack(story: SessionOutages, timeOf: TimeOf): Track {
  const { session, connection, portal, iqn, outages } = story
  return {
    host: hostOf(story),
    name: `session ${session}${connection === 0 ? '' : `:${connection}`}${portal === null ? '' : ` ${portal}`}`,
    detail: iqn ?? '',
    stretches: outages.flatMap((outage) => stretchesOf(outage, timeOf)),
    marks: outages.flatMap((outage) => marksOf(outage, timeOf)),
  }
}

function stretchesOf(outage: Outage, timeOf: TimeOf): Stretch[] {
  const { noticed, seconds, awayAtLeast, survived, prevention } = outage
  const lost = timeOf(outage.lostAt, outage.lostUptime)
  if (lost === null) return []
  const back = timeOf(outage.backAt, outage.backUptime)
  const end = back ?? lost + (awayAtLeast ?? 0) * 1000
  const expired = timeOf(outage.expiredAt, outage.expiredUptime)
  const open = back === null
  const long = seconds === null ? (awayAtLeast ? ` for at least ${awayAtLeast} s` : '') : ` for ${seconds} s`
  const title = `lost${long}: ${noticed.words}; ${survived ? 'survived' : prevention.words}`
  // If the outage was survived, a map hid the errors after the timer expired.
  if (expired === null || survived) return [{ kind: 'waiting', from: lost, to: end, open, title }]
  return [
    { kind: 'waiting', from: lost, to: expired, open: false, title },
    {
      kind: 'failing',
      from: expired,
      to: Math.max(expired, end),
      open,
      title: `${title}; from here I/O failed`,
    },
  ]
}

function marksOf(outage: Outage, timeOf: TimeOf): Mark[] {
  const lost = timeOf(outage.lostAt, outage.lostUptime)
  const expired = timeOf(outage.expiredAt, outage.expiredUptime)
  const back = timeOf(outage.backAt, outage.backUptime)
  return [
    ...(lost === null ? [] : [{ kind: 'lost', at: lost, title: `lost: ${outage.noticed.words}` } as const]),
    ...(expired === null
      ? []
      : [{ kind: 'expired', at: expired, title: `timer of ${outage.timer ?? '?'} s expired` } as const]),
    ...failureMarks(outage.fileSystems, timeOf),
    ...outage.shared.flatMap(({ fileSystems }) => failureMarks(fileSystems, timeOf)),
    ...(back === null
      ? []
      : [
          {
            kind: 'back',
            at: back,
            title: `back${outage.attempts === null ? '' : ` after ${count(outage.attempts, 'attempt')}`}`,
          } as const,
        ]),
  ]
}

function failureMarks(failures: readonly FileSystemFailure[], timeOf: TimeOf): Mark[] {
  return failures.flatMap(({ device, type, what, at, uptime }) => {
    const time = timeOf(at, uptime)
    return time === null
      ? []
      : [{ kind: 'broken', at: time, title: `${type} on ${device}: ${what}` } as const]
  })
}

function causeTrack(cause: Cause, timeOf: TimeOf): Track {
  const first = timeOf(cause.firstAt, cause.firstUptime)
  const last = timeOf(cause.lastAt, cause.lastUptime)
  const title = `${cause.what} (${count(cause.count, 'time')})`
  const stretches: Stretch[] =
    first === null || last === null ? [] : [{ kind: 'cause', from: first, to: last, open: false, title }]
  const marks: Mark[] = [
    ...(first === null ? [] : [{ kind: 'cause', at: first, title } as const]),
    ...failureMarks(cause.fileSystems, timeOf),
  ]
  return { host: hostOf(cause), name: cause.subject, detail: cause.kind, stretches, marks }
}

function hostOf({ host, log, boot }: WhichBoot): string {
  return `${host ?? (log === null || log === '-' ? 'this log' : log)}${boot === 0 ? '' : `, after reboot ${boot}`}`
}
