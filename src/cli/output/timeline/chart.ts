import type { Episode } from './episodes.ts'
import type { Html } from './html.ts'
import { html, NOTHING } from './html.ts'
import { axisLabel, ticksOf } from './ticks.ts'
import type { Mark, Stretch, Track } from './tracks.ts'

// Sizes in units of the SVG, which the page scales to its width.
const WIDTH = 1080
const LABEL_WIDTH = 250
const RIGHT_MARGIN = 18
const ROW_HEIGHT = 40
const TOP_MARGIN = 26
const BAR_HEIGHT = 14
/** Narrower bars would be invisible. */
const MIN_BAR_WIDTH = 3
const MAX_LABEL_LETTERS = 34
/** A label this close to the right edge is not centred on its tick, because it would be cut off. */
const EDGE_DISTANCE = 50

/** Draws one episode: a row for each session and each other cause, grouped by host. */
export function chart({ from, to, tracks }: Episode, dated: boolean): Html {
  const x = (at: number) => LABEL_WIDTH + ((at - from) / (to - from)) * (WIDTH - LABEL_WIDTH - RIGHT_MARGIN)
  const rows: Html[] = []
  let y = TOP_MARGIN
  let host: string | null = null
  for (const track of tracks) {
    if (track.host !== host) {
      host = track.host
      rows.push(html`<text class="host" x="0" y="${y + 16}">${shortened(host)}</text>`)
      y += 24
    }
    rows.push(row(track, y, x))
    y += ROW_HEIGHT
  }
  const height = y + 8
  const grid = ticksOf(from, to, dated).map(
    (tick) =>
      html`<line
          class="grid"
          x1="${round(x(tick))}"
          x2="${round(x(tick))}"
          y1="${TOP_MARGIN - 6}"
          y2="${height}"
        /><text
          class="tick${x(tick) > WIDTH - EDGE_DISTANCE ? ' last' : ''}"
          x="${round(x(tick))}"
          y="${TOP_MARGIN - 12}"
          >${axisLabel(tick, from, to, dated)}</text
        >`,
  )
  return html`<div class="scroll">
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline">${grid}${rows}</svg>
  </div>`
}

function row(track: Track, y: number, x: (at: number) => number): Html {
  const middle = y + ROW_HEIGHT / 2
  return html`<g
    ><text class="name" x="12" y="${track.detail === '' ? middle + 4 : middle - 3}"
      >${shortened(track.name)}<title>${track.name}</title></text
    >${
      track.detail === ''
        ? NOTHING
        : html`<text class="detail" x="12" y="${middle + 12}"
            >${shortened(track.detail, MAX_LABEL_LETTERS + 6)}<title>${track.detail}</title></text
          >`
    }<line
      class="base"
      x1="${LABEL_WIDTH}"
      x2="${WIDTH - RIGHT_MARGIN}"
      y1="${middle}"
      y2="${middle}"
    />${track.stretches.map((stretch) =>
      bar(stretch, middle, x),
    )}${track.marks.map((mark) => markShape(mark, middle, x(mark.at)))}</g
  >`
}

function bar({ kind, from, to, open, title }: Stretch, middle: number, x: (at: number) => number): Html {
  const left = x(from)
  const width = Math.max(MIN_BAR_WIDTH, x(to) - left)
  const height = kind === 'cause' ? 6 : BAR_HEIGHT
  return html`<rect
    class="${kind}${open ? ' open' : ''}"
    x="${round(left)}"
    y="${middle - height / 2}"
    width="${round(width)}"
    height="${height}"
    rx="2"
    ><title>${title}</title></rect
  >`
}

function markShape({ kind, title }: Mark, middle: number, at: number): Html {
  const x = round(at)
  const shapes: Readonly<Record<Mark['kind'], Html>> = {
    lost: html`<path class="lost" d="M${x} ${middle - 11}v22" />`,
    expired: html`<path class="expired" d="M${round(at - 5)} ${middle - 15}h10l-5 7z" />`,
    broken: html`<path class="broken" d="M${round(at - 5)} ${middle - 5}l10 10m0 -10l-10 10" />`,
    back: html`<circle class="back" cx="${x}" cy="${middle}" r="6" />`,
    cause: html`<path class="cause-sign" d="M${x} ${middle - 8}l8 8l-8 8l-8 -8z" />`,
  }
  return html`<g>${shapes[kind]}<title>${title}</title></g>`
}

/** Shortens a label, because SVG text does not wrap. */
function shortened(text: string, letters = MAX_LABEL_LETTERS): string {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}
