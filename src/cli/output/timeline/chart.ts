import type { Episode } from './episodes.ts'
import type { Html } from './html.ts'
import { html, NOTHING } from './html.ts'
import { axisLabel, ticksOf } from './ticks.ts'
import type { Mark, Stretch, Track } from './tracks.ts'

// Units of the picture; the page scales it to its width.
const WIDTH = 1080
const LABELS = 250
const RIGHT = 18
const ROW = 40
const TOP = 26
const BAR = 14
/** Shorter stretches would be invisible. */
const LEAST = 3
const LETTERS = 34
/** A label centred on its tick would be cut off here. */
const EDGE = 50

/** One episode as a picture: a row for each session and each other cause, grouped by host. */
export function chart({ from, to, tracks }: Episode, dated: boolean): Html {
  const x = (at: number) => LABELS + ((at - from) / (to - from)) * (WIDTH - LABELS - RIGHT)
  const rows: Html[] = []
  let y = TOP
  let host: string | null = null
  for (const track of tracks) {
    if (track.host !== host) {
      host = track.host
      rows.push(html`<text class="host" x="0" y="${y + 16}">${short(host)}</text>`)
      y += 24
    }
    rows.push(row(track, y, x))
    y += ROW
  }
  const height = y + 8
  const grid = ticksOf(from, to, dated).map(
    (tick) =>
      html`<line
          class="grid"
          x1="${round(x(tick))}"
          x2="${round(x(tick))}"
          y1="${TOP - 6}"
          y2="${height}"
        /><text class="tick${x(tick) > WIDTH - EDGE ? ' last' : ''}" x="${round(x(tick))}" y="${TOP - 12}"
          >${axisLabel(tick, from, to, dated)}</text
        >`,
  )
  return html`<div class="scroll">
    <svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline">${grid}${rows}</svg>
  </div>`
}

function row(track: Track, y: number, x: (at: number) => number): Html {
  const middle = y + ROW / 2
  return html`<g
    ><text class="name" x="12" y="${track.detail === '' ? middle + 4 : middle - 3}"
      >${short(track.name)}<title>${track.name}</title></text
    >${
      track.detail === ''
        ? NOTHING
        : html`<text class="detail" x="12" y="${middle + 12}"
            >${short(track.detail, LETTERS + 6)}<title>${track.detail}</title></text
          >`
    }<line
      class="base"
      x1="${LABELS}"
      x2="${WIDTH - RIGHT}"
      y1="${middle}"
      y2="${middle}"
    />${track.stretches.map((stretch) =>
      bar(stretch, middle, x),
    )}${track.marks.map((mark) => sign(mark, middle, x(mark.at)))}</g
  >`
}

function bar({ kind, from, to, open, title }: Stretch, middle: number, x: (at: number) => number): Html {
  const left = x(from)
  const width = Math.max(LEAST, x(to) - left)
  const height = kind === 'cause' ? 6 : BAR
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

function sign({ kind, title }: Mark, middle: number, at: number): Html {
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

/** SVG text does not wrap. */
function short(text: string, letters = LETTERS): string {
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`
}

function round(number: number): number {
  return Math.round(number * 10) / 10
}
