import { numbersOf } from '../numbers.ts'
import type { Drill } from '../result.ts'
import type { SideName } from '../../volumes.ts'
import { SIDES, span } from '../../words.ts'
import { holdBand, sessionBand, type Stretch } from './bands.ts'
import { escape } from '../../report/escape.ts'
import { latency } from './latency.ts'
import type { Frame } from './scales.ts'
import { across, down, PANEL, step } from './scales.ts'

const BAND = 24
const TOP = 56
/** from one side's panel to the next one's */
const NEXT = PANEL + 2 * (BAND + 4) + 96
const HEIGHT = 2 * NEXT - 12
/** width of a letter, at the font size of the bands */
const LETTER = 6.6

const text = (at: string, words: string) => `<text ${at}>${escape(words)}</text>`

function band(drill: Drill, frame: Frame, top: number, label: string, stretches: readonly Stretch[]): string {
  const x = across(drill, frame)
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
  return `${text(`class="label" x="${frame.left - 10}" y="${top + 16}" text-anchor="end"`, label)}${parts.join('')}`
}

function rules(longest: number, { left, right }: Frame): string {
  const y = down(longest)
  return [1, 10, 100, 1000, 10_000, 100_000]
    .filter((ms) => y(ms) >= 0)
    .map((ms) => {
      const words = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
      const at = y(ms).toFixed(1)
      return `<path class="rule" d="M${left} ${at}H${right}"/>${text(`class="label" x="${left - 10}" y="${(y(ms) + 4).toFixed(1)}" text-anchor="end"`, words)}`
    })
    .join('')
}

/** Seconds since the storage machine's death. */
function times(drill: Drill, frame: Frame, top: number): string {
  const x = across(drill, frame)
  const size = step((drill.ended - drill.started) / 1000, frame)
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

/** A named moment above the panel; near the right edge the name is placed to its left. */
function event(drill: Drill, frame: Frame, at: number, height: number, name: string): string {
  const x = across(drill, frame)(at)
  const anchor = x + name.length * LETTER > frame.right ? 'end' : 'start'
  return (
    `<path class="edge" d="M${x.toFixed(1)} -4V${height}"/>` +
    text(`class="event" x="${x.toFixed(1)}" y="-9" text-anchor="${anchor}"`, name)
  )
}

/** The outage behind one panel and its bands, with its start and end labelled. */
function outage(drill: Drill, frame: Frame, height: number): string {
  const x = across(drill, frame)
  const [from, to] = [x(drill.killed), x(drill.back)]
  const where =
    drill.plan.takeover === 'same' ? 'another takes over its address' : 'another serves, elsewhere'
  return (
    `<rect class="outage" x="${from.toFixed(1)}" y="0" width="${(to - from).toFixed(1)}" height="${height}"/>` +
    event(drill, frame, drill.killed, height, frame.brief ? 'killed' : 'storage machine killed') +
    event(drill, frame, drill.back, height, frame.brief ? 'target back' : where)
  )
}

/** The main point of the drawing: where one side breaks and where the other continues. */
function turnOf(
  { sides, killed, back }: Drill,
  name: SideName,
): { at: number; words: string; tone: string } | null {
  const { acknowledged, refused } = sides[name]
  const error = refused[0]
  if (error) return { at: error.at, words: `broken after ${span(error.at - killed)}`, tone: 'fail' }
  const waited = acknowledged.find(({ at, ms }) => at > back && at - ms < back)
  if (!waited) return null
  return { at: waited.at, words: `resumes, after one write of ${span(waited.ms)}`, tone: 'good' }
}

function turn(drill: Drill, name: SideName, frame: Frame): string {
  const found = turnOf(drill, name)
  if (!found) return ''
  const { at, words, tone } = found
  const x = across(drill, frame)(at)
  const left = x + words.length * LETTER * 1.2 > frame.right
  const place = `x="${(x + (left ? -8 : 8)).toFixed(1)}" y="${PANEL * 0.45}" text-anchor="${left ? 'end' : 'start'}"`
  return text(`class="turn ${tone}" ${place}`, words)
}

function side(drill: Drill, name: SideName, frame: Frame, top: number, longest: number): string {
  const below = PANEL + 8
  const end = below + 2 * (BAND + 4)
  const parts = [
    text('class="side" x="8" y="-34"', SIDES[name]),
    text(
      `class="label" x="${frame.right}" y="-34" text-anchor="end"`,
      frame.brief ? 'time of each write' : 'how long each write took',
    ),
    outage(drill, frame, end),
    rules(longest, frame),
    latency(drill, name, longest, frame),
    turn(drill, name, frame),
    band(drill, frame, below, 'session', sessionBand(drill, name)),
    band(drill, frame, below + BAND + 4, 'hold', holdBand(drill, name)),
    times(drill, frame, end + 14),
  ]
  return `<g transform="translate(0 ${top})">${parts.join('')}</g>`
}

/** A text alternative to the drawing, for readers who cannot see it. */
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

/** Both writers over time, one below the other, with the outage behind them. */
export function chart(drill: Drill, frame: Frame): string {
  const longest = Math.max(
    ...Object.values(drill.sides).flatMap(({ acknowledged, refused }) =>
      [...acknowledged, ...refused].map(({ ms }) => ms),
    ),
  )
  const kind = frame.brief ? 'narrow' : 'wide'
  return (
    `<svg class="${kind}" viewBox="0 0 ${frame.width} ${HEIGHT}" role="img" aria-labelledby="title-${kind} text-${kind}">` +
    `<title id="title-${kind}">Two writers through one outage</title><desc id="text-${kind}">${escape(alternative(drill))}</desc>` +
    side(drill, 'stock', frame, TOP, longest) +
    side(drill, 'lunkeeper', frame, TOP + NEXT, longest) +
    `</svg>`
  )
}
