import type { Drill } from '../result.ts'
import type { SideName } from '../../volumes.ts'
import type { Frame } from './scales.ts'
import { across, down } from './scales.ts'

/** A wait this long is drawn as it grew, not only where it ended. */
const LONG = 400

/** A long write as the writer experienced it: the longer it lasts, the higher. */
function wait(from: number, to: number, x: (at: number) => number, y: (ms: number) => number): string {
  // points are closer together where the curve is steep
  const points = Array.from({ length: 49 }, (_, index) => from + (to - from) * (index / 48) ** 3)
  const line = points.map((at) => `${x(at).toFixed(1)} ${y(at - from).toFixed(1)}`).join('L')
  return `M${x(from).toFixed(1)} ${y(1).toFixed(1)}L${line}V${y(1).toFixed(1)}Z`
}

/** One panel: a dot for each acknowledged block, a cross for each refused block, a slope for each long wait. */
export function latency(drill: Drill, name: SideName, longest: number, frame: Frame): string {
  const [x, y] = [across(drill, frame), down(longest)]
  const { acknowledged, refused } = drill.sides[name]
  const within = ({ at }: { at: number }) => at >= drill.started && at <= drill.ended
  const slopes = (all: readonly { at: number; ms: number }[]) =>
    all
      .filter((one) => within(one) && one.ms > LONG)
      .map(({ at, ms }) => wait(at - ms, at, x, y))
      .join('')
  const dots = acknowledged
    .filter(within)
    .map(({ at, ms }) => `M${x(at).toFixed(1)} ${y(ms).toFixed(1)}h0`)
    .join('')
  const crosses = refused
    .filter(within)
    .map(({ at, ms }) => `M${x(at).toFixed(1)} ${y(ms).toFixed(1)}m-3-3l6 6m0-6l-6 6`)
    .join('')
  return `<path class="wait" d="${slopes(acknowledged)}"/><path class="wait refused" d="${slopes(refused)}"/><path class="dots" d="${dots}"/><path class="crosses" d="${crosses}"/>`
}
