// Draws the output of a command as a terminal, for the README:
//   FORCE_COLOR=1 node lab/demo/demo.ts | node lab/demo/picture.ts > docs/demo.svg
import { readFileSync } from 'node:fs'

const WIDTH = 132
const CHARACTER = 7.8
const LINE = 17
const MARGIN = 16
const COLOURS: Readonly<Record<string, string>> = {
  31: '#ff7b72',
  32: '#7ee787',
  33: '#e3b341',
  36: '#79c0ff',
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** One line of text with its colours, as an SVG line. */
function draw(line: string, row: number): string {
  let [fill, weight, opacity] = ['#c9d1d9', '400', '1']
  const spans: string[] = []
  // oxlint-disable-next-line no-control-regex
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    // oxlint-disable-next-line no-control-regex
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1]?.split(';')
    if (!codes) {
      if (part)
        spans.push(
          `<tspan fill="${fill}" font-weight="${weight}" opacity="${opacity}">${escape(part)}</tspan>`,
        )
      continue
    }
    for (const code of codes) {
      if (code === '' || code === '0') [fill, weight, opacity] = ['#c9d1d9', '400', '1']
      else if (code === '1') weight = '700'
      else if (code === '2') opacity = '0.65'
      else if (code === '22') [weight, opacity] = ['400', '1']
      else fill = COLOURS[code] ?? '#c9d1d9'
    }
  }
  return `<text x="${MARGIN}" y="${MARGIN + row * LINE + 12}" xml:space="preserve">${spans.join('')}</text>`
}

// oxlint-disable-next-line no-control-regex
const visible = (line: string) => line.replaceAll(/\u001b\[[\d;]*m/g, '')
const lines = readFileSync(0, 'utf8')
  .trim()
  .split('\n')
  .map((line) => (visible(line).length > WIDTH ? `${visible(line).slice(0, WIDTH - 1)}…` : line))
const [width, height] = [WIDTH * CHARACTER + 2 * MARGIN, lines.length * LINE + 2 * MARGIN]
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">` +
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>${lines.map(draw).join('')}</svg>\n`,
)
