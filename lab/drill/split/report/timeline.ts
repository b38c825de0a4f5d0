import { escape } from '../../report/escape.ts'
import type { SideName } from '../../volumes.ts'
import { bytes, SIDES, span } from '../../words.ts'
import type { Split } from '../result.ts'
import { fate } from '../summary.ts'
import type { SplitVerdict } from '../verdict.ts'
import { isIntact } from '../verdict.ts'

type Tone = 'well' | 'waits' | 'bad'

interface Stretch {
  readonly from: number
  readonly to: number
  readonly tone: Tone
  readonly name: string
}

/** The space for a drawing, in its own units. */
export interface Frame {
  readonly kind: 'wide' | 'narrow'
  readonly width: number
  readonly left: number
  readonly right: number
}

export const WIDE: Frame = { kind: 'wide', width: 1080, left: 84, right: 1064 }
export const NARROW: Frame = { kind: 'narrow', width: 360, left: 58, right: 356 }

const BAND = 30
const GAP = 6
const TOP = 56
const NEXT = 2 * (BAND + GAP) + 76
const HEIGHT = 2 * NEXT + 4
/** width of a letter, at the font size of the bands */
const LETTER = 6.6

/** What node-a does with one volume. */
function formerBand({ started, cut, back, fenced, settled, sides }: Split, name: SideName): Stretch[] {
  const { foreign } = sides[name]
  const writes: Stretch = { from: started, to: cut, tone: 'well', name: 'writes' }
  const known = name === 'lunkeeper' ? (fenced ?? settled) : back
  const waits: Stretch = { from: cut, to: known, tone: 'waits', name: 'cut off: its writes wait' }
  const after =
    foreign > 0
      ? { tone: 'bad' as const, name: `writes ${bytes(foreign * 4096)} into node-b’s volume` }
      : name === 'lunkeeper' && fenced !== null
        ? { tone: 'well' as const, name: 'fenced: its writes are discarded' }
        : { tone: 'waits' as const, name: 'writes nothing' }
  return [writes, waits, { from: known, to: settled, ...after }]
}

/** What node-b does. */
function ownerBand({ moved, back, settled, sides }: Split, name: SideName, verdict: SplitVerdict): Stretch[] {
  const { foreign } = sides[name]
  const isWhole = isIntact(verdict.sides[name])
  const after = isWhole
    ? { tone: 'well' as const, name: 'its volume is intact' }
    : { tone: 'bad' as const, name: foreign > 0 ? 'its volume is overwritten' : 'its volume is damaged' }
  return [
    { from: moved, to: back, tone: 'well', name: 'owns it, and writes' },
    { from: back, to: settled, ...after },
  ]
}

const text = (at: string, words: string) => `<text ${at}>${escape(words)}</text>`

function scale({ started, settled }: Split, { left, right }: Frame): (at: number) => number {
  return (at) => left + ((at - started) / (settled - started)) * (right - left)
}

function band(split: Split, frame: Frame, top: number, label: string, stretches: readonly Stretch[]): string {
  const x = scale(split, frame)
  const parts = stretches
    .filter(({ from, to }) => to > from)
    .map(({ from, to, tone, name }) => {
      const width = x(to) - x(from)
      const [brief = ''] = name.split(/[,:] /)
      const shown = [name, brief].find((words) => words.length * LETTER + 12 < width) ?? ''
      return (
        `<g><title>${escape(`${name}: ${span(to - from)}`)}</title>` +
        `<rect class="${tone}" x="${x(from).toFixed(1)}" y="${top}" width="${Math.max(1, width - 1).toFixed(1)}" height="${BAND}" rx="3"/>` +
        `${text(`class="name" x="${(x(from) + 7).toFixed(1)}" y="${top + 20}"`, shown)}</g>`
      )
    })
  return (
    text(`class="label" x="${frame.left - 10}" y="${top + 20}" text-anchor="end"`, label) + parts.join('')
  )
}

/** Important moments, labelled above the drawing; if two are close, the second label is one line higher. */
function events(split: Split, frame: Frame, height: number): string {
  const x = scale(split, frame)
  const brief = frame.kind === 'narrow'
  const all = [
    [split.cut, brief ? 'cut' : 'node-a cut off'],
    [split.moved, brief ? 'moved' : 'node-b takes over'],
    [split.back, brief ? 'back' : 'node-a back'],
  ] as const
  let free = 0
  return all
    .map(([at, name]) => {
      const to = x(at)
      const isLate = to + name.length * LETTER > frame.right
      const from = isLate ? to - name.length * LETTER : to
      const line = from < free ? -23 : -9
      free = from + (name.length + 1) * LETTER
      return (
        `<path class="edge" d="M${to.toFixed(1)} -4V${height}"/>` +
        text(`class="event" x="${to.toFixed(1)}" y="${line}" text-anchor="${isLate ? 'end' : 'start'}"`, name)
      )
    })
    .join('')
}

function side(split: Split, verdict: SplitVerdict, name: SideName, frame: Frame, top: number): string {
  const parts = [
    text('class="side" x="8" y="-38"', SIDES[name]),
    events(split, frame, 2 * (BAND + GAP)),
    band(split, frame, 0, 'node-a', formerBand(split, name)),
    band(split, frame, BAND + GAP, 'node-b', ownerBand(split, name, verdict)),
  ]
  return `<g transform="translate(0 ${top})">${parts.join('')}</g>`
}

/** Who wrote to which volume, over time: a panel for each side, a band for each node. */
export function timeline(split: Split, verdict: SplitVerdict, frame: Frame): string {
  const { kind, width } = frame
  const tell = (name: SideName) => `${SIDES[name]}: ${fate(verdict.sides[name])}.`
  return (
    `<svg class="${kind}" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-labelledby="title-${kind} text-${kind}">` +
    `<title id="title-${kind}">Two nodes and their volumes over time</title>` +
    `<desc id="text-${kind}">${escape(`${tell('stock')} ${tell('lunkeeper')}`)}</desc>` +
    side(split, verdict, 'stock', frame, TOP) +
    side(split, verdict, 'lunkeeper', frame, TOP + NEXT) +
    `</svg>`
  )
}
