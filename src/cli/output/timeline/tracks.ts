import type { Cause, Explanation, Outage, SessionOutages } from '../../../explain/report.ts'

/** A stretch of time: `x` in milliseconds, of the wall clock or since boot. */
export interface Stretch {
  readonly kind: 'waiting' | 'failing' | 'cause'
  readonly from: number
  readonly to: number
  /** The log does not show its end. */
  readonly open: boolean
  readonly title: string
}

export interface Mark {
  readonly kind: 'lost' | 'expired' | 'broken' | 'back' | 'cause'
  readonly at: number
  readonly title: string
}

/** One row of the picture: a session's connection, or a device with another cause. */
export interface Track {
  readonly host: string
  readonly name: string
  readonly detail: string
  readonly stretches: readonly Stretch[]
  readonly marks: readonly Mark[]
}

/** Rows with a wall clock, and rows that only have the time since boot, which need another axis. */
export interface Tracks {
  readonly dated: readonly Track[]
  readonly sinceBoot: readonly Track[]
}

type Place = (at: string | null, uptime: number | null) => number | null

const DATED: Place = (at) => (at === null ? null : Date.parse(at.endsWith('Z') ? at : `${at}Z`))
const SINCE_BOOT: Place = (at, uptime) => (at === null && uptime !== null ? uptime * 1000 : null)

export function tracksOf({ sessions, causes }: Explanation): Tracks {
  const all = (place: Place) =>
    [
      ...sessions.map((story) => sessionTrack(story, place)),
      ...causes.map((cause) => causeTrack(cause, place)),
    ]
      .filter(({ stretches, marks }) => stretches.length > 0 || marks.length > 0)
      .toSorted((a, b) => (a.host < b.host ? -1 : a.host > b.host ? 1 : 0))
  return { dated: all(DATED), sinceBoot: all(SINCE_BOOT) }
}

function sessionTrack(story: SessionOutages, place: Place): Track {
  const { session, connection, portal, iqn, outages } = story
  return {
    host: hostOf(story),
    name: `session ${session}${connection === 0 ? '' : `:${connection}`}${portal === null ? '' : ` ${portal}`}`,
    detail: iqn ?? '',
    stretches: outages.flatMap((outage) => stretchesOf(outage, place)),
    marks: outages.flatMap((outage) => marksOf(outage, place)),
  }
}

function stretchesOf(outage: Outage, place: Place): Stretch[] {
  const { noticed, seconds, awayAtLeast, survived, prevention } = outage
  const lost = place(outage.lostAt, outage.lostUptime)
  if (lost === null) return []
  const back = place(outage.backAt, outage.backUptime)
  const end = back ?? lost + (awayAtLeast ?? 0) * 1000
  const expired = place(outage.expiredAt, outage.expiredUptime)
  const open = back === null
  const long = seconds === null ? `at least ${awayAtLeast ?? 0} s` : `${seconds} s`
  const title = `lost for ${long}: ${noticed.words}; ${survived ? 'survived' : prevention.words}`
  // Errors after the timer's end did not reach anything if a map above hid them.
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

function marksOf(outage: Outage, place: Place): Mark[] {
  const lost = place(outage.lostAt, outage.lostUptime)
  const expired = place(outage.expiredAt, outage.expiredUptime)
  const back = place(outage.backAt, outage.backUptime)
  return [
    ...(lost === null ? [] : [{ kind: 'lost', at: lost, title: `lost: ${outage.noticed.words}` } as const]),
    ...(expired === null
      ? []
      : [{ kind: 'expired', at: expired, title: `timer of ${outage.timer ?? '?'} s expired` } as const]),
    ...outage.fileSystems.flatMap(({ device, type, what, at, uptime }) => {
      const broken = place(at, uptime)
      return broken === null
        ? []
        : [{ kind: 'broken', at: broken, title: `${type} on ${device}: ${what}` } as const]
    }),
    ...(back === null
      ? []
      : [
          {
            kind: 'back',
            at: back,
            title: `back${outage.attempts === null ? '' : ` after ${outage.attempts} attempts`}`,
          } as const,
        ]),
  ]
}

function causeTrack(cause: Cause, place: Place): Track {
  const first = place(cause.firstAt, cause.firstUptime)
  const last = place(cause.lastAt, cause.lastUptime)
  const title = `${cause.what} (${cause.count} times)`
  const stretches: Stretch[] =
    first === null || last === null ? [] : [{ kind: 'cause', from: first, to: last, open: false, title }]
  const marks: Mark[] = [
    ...(first === null ? [] : [{ kind: 'cause', at: first, title } as const]),
    ...cause.fileSystems.flatMap(({ device, type, what, at, uptime }) => {
      const broken = place(at, uptime)
      return broken === null
        ? []
        : [{ kind: 'broken', at: broken, title: `${type} on ${device}: ${what}` } as const]
    }),
  ]
  return { host: hostOf(cause), name: cause.subject, detail: cause.kind, stretches, marks }
}

function hostOf({ host, boot }: { host: string | null; boot: number }): string {
  return `${host ?? 'this log'}${boot === 0 ? '' : `, after reboot ${boot}`}`
}
