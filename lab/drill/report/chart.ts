import { numbersOf } from '../numbers.ts'
import type { Drill } from '../result.ts'
import type { SideName } from '../scene.ts'
import { SIDES, span } from '../words.ts'
import { holdBand, sessionBand, type Stretch } from './bands.ts'
import { escape } from './escape.ts'
import { latency } from './latency.ts'
import { across, down, LEFT, PANEL, RIGHT, step, WIDTH } from './scales.ts'

const BAND = 24
const TOP = 56
/** from one side's panel to the next one's */
const NEXT = PANEL + 2 * (BAND + 4) + 88
const HEIGHT = 2 * NEXT
/** of a letter, at the size of the bands */
const LETTER = 6.6

const text = (at: string, words: string) => `<text ${at}>${escape(words)}</text>`

function band(drill: Drill, top: number, label: string, stretches: readonly Stretch[]): string {
  const x = across(drill)
  const parts = stretches.map(({ from, to, tone, name }) => {
    const width = x(to) - x(from)
    const [brief] = name.split(/[,:] /)
    const shown = [name, brief!].find((words) => words.length * LETTER + 12 < width) ?? ''
    return (
      `<g><title>${escape(`${name}: ${span(to - from)}`)}</title>` +
      `<rect class="${tone}" x="${x(from).toFixed(1)}" y="${top}" width="${Math.max(1, width - 1).toFixed(1)}" height="${BAND}" rx="3"/>` +
      `${text(`class="name" x="${(x(from) + 7).toFixed(1)}" y="${top + 16}"`, shown)}</g>`
    )
  })
  return `${text(`class="label" x="${LEFT - 10}" y="${top + 16}" text-anchor="end"`, label)}${parts.join('')}`
}

function rules(longest: number): string {
  const y = down(longest)
  return [1, 10, 100, 1000, 10_000, 100_000]
    .filter((ms) => y(ms) >= 0)
    .map((ms) => {
      const words = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
      const at = y(ms).toFixed(1)
      return `<path class="rule" d="M${LEFT} ${at}H${RIGHT}"/>${text(`class="label" x="${LEFT - 10}" y="${(y(ms) + 4).toFixed(1)}" text-anchor="end"`, words)}`
    })
    .join('')
}

/** Seconds since the storage machine's death. */
function times(drill: Drill, top: number): string {
  const x = across(drill)
  const size = step((drill.ended - drill.started) / 1000)
  const first = Math.ceil((drill.started - drill.killed) / 1000 / size) * size
  const count = Math.floor(((drill.ended - drill.killed) / 1000 - first) / size) + 1
  return Array.from({ length: count }, (_, index) => first + index * size)
    .map((seconds) =>
      text(
        `class="label" x="${x(drill.killed + seconds * 1000).toFixed(1)}" y="${top}" text-anchor="middle"`,
        seconds === 0 ? '0 s' : `${seconds}`.replace('-', '−'),
      ),
    )
    .join('')
}

/** The outage behind one panel and its bands, with its ends named. */
function outage(drill: Drill, height: number): string {
  const x = across(drill)
  const [from, to] = [x(drill.killed), x(drill.back)]
  const where =
    drill.plan.takeover === 'same' ? 'another takes over its address' : 'another serves, elsewhere'
  // near the right edge, a word is written to the left of its moment
  const anchor = to > WIDTH - 240 ? 'end' : 'start'
  return (
    `<rect class="outage" x="${from.toFixed(1)}" y="0" width="${(to - from).toFixed(1)}" height="${height}"/>` +
    `<path class="edge" d="M${from.toFixed(1)} -4V${height}M${to.toFixed(1)} -4V${height}"/>` +
    text(`class="event" x="${from.toFixed(1)}" y="-9"`, 'storage machine killed') +
    text(`class="event" x="${to.toFixed(1)}" y="-9" text-anchor="${anchor}"`, where)
  )
}

function side(drill: Drill, name: SideName, top: number, longest: number): string {
  const below = PANEL + 8
  const end = below + 2 * (BAND + 4)
  const parts = [
    text('class="side" x="8" y="-34"', SIDES[name]),
    text(`class="label" x="${RIGHT}" y="-34" text-anchor="end"`, 'how long each write took'),
    outage(drill, end),
    rules(longest),
    latency(drill, name, longest),
    band(drill, below, 'session', sessionBand(drill, name)),
    band(drill, below + BAND + 4, 'hold', holdBand(drill, name)),
    times(drill, end + 14),
  ]
  return `<g transform="translate(0 ${top})">${parts.join('')}</g>`
}

/** What the drawing shows, for those who do not see it. */
function alternative(drill: Drill): string {
  const tell = (name: SideName) => {
    const numbers = numbersOf(drill, drill.sides[name])
    const errors =
      numbers.errors === 0 ? 'no error' : `${numbers.errors} errors (${numbers.errorCodes.join(', ')})`
    const hold = holdBand(drill, name).map(({ name, from, to }) => `${name} (${span(to - from)})`)
    return `${SIDES[name]}: ${errors}, longest pause ${span(numbers.longestPauseSeconds * 1000)}. Its hold in turn: ${hold.join('; ')}.`
  }
  return `Time of each write of two writers during an outage of ${span(drill.back - drill.killed)}. ${tell('stock')} ${tell('lunkeeper')}`
}

/** Both writers over time, under each other, with the outage behind them. */
export function chart(drill: Drill): string {
  const longest = Math.max(
    ...Object.values(drill.sides).flatMap(({ acknowledged, refused }) =>
      [...acknowledged, ...refused].map(({ ms }) => ms),
    ),
  )
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="chart-title chart-text">` +
    `<title id="chart-title">Two writers through one outage</title><desc id="chart-text">${escape(alternative(drill))}</desc>` +
    side(drill, 'stock', TOP, longest) +
    side(drill, 'lunkeeper', TOP + NEXT, longest) +
    `</svg>`
  )
}
