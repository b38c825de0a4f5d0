import type { Debian } from '../../index.ts'

export type Takeover = 'same' | 'address'
export type FileSystem = 'ext4' | 'xfs'

/** The requested kind of drill. */
export interface DrillOptions {
  /** how long the target is away, in seconds; the timers are scaled with it. @default 25 */
  readonly outage?: number
  /** real times: a stock timer of this many seconds, an outage of five minutes, a hold of ten. @default scaled */
  readonly trueTime?: TrueTimer
  /** where the other machine serves: at the dead machine's address, or at its own. @default 'same' */
  readonly takeover?: Takeover
  /** @default 'ext4' */
  readonly fs?: FileSystem
  /** @default 'bookworm' */
  readonly debian?: Debian
}

/** Stock timers that users have tried: the default, the five minutes of Kubernetes, and more. */
export const TRUE_TIMERS = [120, 300, 400] as const
export type TrueTimer = (typeof TRUE_TIMERS)[number]

/**
 * How long the target is away in each true-time case, in seconds: five minutes, or as long as a slow node takes to
 * come up, so that a timer of 300 s also expires.
 */
const TRUE_OUTAGE: Readonly<Record<TrueTimer, number>> = { 120: 300, 300: 330, 400: 300 }

/** The real case that a drill represents, in seconds. */
export const REAL = {
  /** a node that is powered off, declared dead and replaced */
  outage: 300,
  /** node.session.timeo.replacement_timeout in open-iscsi's iscsid.conf */
  timer: 120,
  /** Lunkeeper's default hold */
  hold: 600,
  /** node.conn[0].timeo.noop_out_interval and _timeout in iscsid.conf: it takes at most 10 s until silence is noticed */
  ping: 5,
} as const

/** If the outage were shorter, noticing the silence (2 s, not scalable: iscsid counts whole seconds) would be most of it. */
export const SHORTEST = 10

/** The times of a drill, in seconds. */
export interface Plan {
  readonly outage: number
  readonly timer: number
  readonly hold: number
  readonly ping: number
  /** how many seconds of the drill a real second is: 1 in true time */
  readonly scale: number
  readonly takeover: Takeover
  readonly fs: FileSystem
  readonly debian: Debian
}

/** Outage, timer and hold are shortened by one factor; values that are counted in whole seconds are rounded, to at least 1. */
export function planned(options: DrillOptions): Plan {
  const { trueTime, takeover = 'same', fs = 'ext4', debian = 'bookworm' } = options
  if (trueTime !== undefined) {
    if (options.outage !== undefined) throw new RangeError('in true time the outage is five minutes')
    const { hold, ping } = REAL
    return { outage: TRUE_OUTAGE[trueTime], timer: trueTime, hold, ping, scale: 1, takeover, fs, debian }
  }
  const outage = options.outage ?? 25
  if (!(outage >= SHORTEST && outage <= REAL.outage))
    throw new RangeError(`an outage lasts ${SHORTEST} to ${REAL.outage} s`)
  const scale = outage / REAL.outage
  const scaled = (seconds: number) => Math.max(1, Math.round(seconds * scale))
  return {
    outage,
    timer: scaled(REAL.timer),
    hold: scaled(REAL.hold),
    ping: scaled(REAL.ping),
    scale,
    takeover,
    fs,
    debian,
  }
}
