import type { Drill, Side } from '../../lab/drill/node-down/result.ts'
import { planned } from '../../lab/drill/node-down/plan.ts'

/** When the storage machine of a made-up drill dies, in milliseconds since 1970. */
export const KILLED = 1_800_000_000_000
const ended = KILLED + 30_000

/** Blocks at these seconds of the outage; the first block after a gap is the one that waited. */
function wrote(...seconds: number[]): Side['acknowledged'] {
  return seconds.map((second, n) => {
    const before = seconds[n - 1] ?? second
    return { n, at: KILLED + second * 1000, ms: second - before > 1 ? (second - before) * 1000 : 4, sum: n }
  })
}

/** Twice a second. */
const through = (from: number, to: number) =>
  Array.from({ length: (to - from) * 2 + 1 }, (_, index) => from + index / 2)

/** Lost 2 s into the outage, back at 26 s. */
const sessions: Side['sessions'] = [
  { at: KILLED - 5000, state: 'LOGGED_IN' },
  { at: KILLED + 2000, state: 'FAILED' },
  { at: KILLED + 26_000, state: 'LOGGED_IN' },
]

/** A side that paused and continued. */
export const SURVIVED: Side = {
  acknowledged: wrote(...through(-3, 0), ...through(27, 30)),
  refused: [],
  sessions,
  lost: 0,
  trouble: null,
  repaired: false,
}

/** A side whose timer expired 12 s into the outage. */
export const BROKE: Side = {
  ...SURVIVED,
  acknowledged: wrote(...through(-3, 0)),
  refused: through(12, 30).map((second) => ({
    n: 4,
    at: KILLED + second * 1000,
    ms: second === 12 ? 12_000 : 1,
    error: second === 12 ? 'EIO' : 'EROFS',
  })),
  sessions: [...sessions.slice(0, 2), { at: KILLED + 12_000, state: 'FREE' }, ...sessions.slice(2)],
  repaired: true,
}

/** A made-up drill, for what is derived from drills: 25 s without a target. */
export function drillOf(stock: Side, lunkeeper: Side = SURVIVED): Drill {
  return {
    plan: planned({}),
    kernel: '6.1.0',
    mode: 'map',
    started: KILLED - 3000,
    killed: KILLED,
    back: KILLED + 25_000,
    ended,
    holding: [
      { at: KILLED - 3000, state: false },
      { at: KILLED + 2000, state: true },
      { at: KILLED + 27_000, state: false },
    ],
    words: [{ at: KILLED + 12_000, text: 'EXT4-fs (sda): Remounting <filesystem> read-only', side: null }],
    sides: { stock, lunkeeper },
  }
}
