// node test/deploy/monitoring/picture.ts FILE.png: draws the dashboard with the recorded metrics. The queries and
// the positions of the panels are the dashboard's. The drawing is ours, so it shows what Grafana would display, but
// not how it would look.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright-core'

import { findChromium } from '../../page/chromium.ts'
import type { Dashboard } from './dashboard.ts'
import { filledIn, readDashboard } from './dashboard.ts'
import type { Series } from './prometheus.ts'
import { RecordedPrometheus } from './prometheus.ts'
import type { Recording } from './recording.ts'
import { readRecording } from './recording.ts'

const COLUMN = 48
const ROW = 34
const GAP = 6
const STEP_S = 5
const COLOURS = ['#3b82f6', '#e8912d', '#2a9d63', '#d14d72', '#8b5cf6', '#0891b2', '#a16207', '#64748b']

type Panel = Dashboard['panels'][number]
interface Line {
  readonly name: string
  readonly values: readonly (readonly [number, number])[]
}

const escaped = (text: string) => text.replaceAll(/[&<>"]/g, (one) => `&#${one.codePointAt(0)};`)

const shown = (value: number) =>
  value >= 1e6 ? `${(value / 1e6).toFixed(0)} M` : String(Math.round(value * 1000) / 1000)

/** As Grafana fills in a legend: `{{label}}`. */
const named = (legend: string, { metric }: Series) =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '')

function graph(lines: readonly Line[], { start, end }: Recording, width: number, height: number): string {
  const finite = lines.flatMap(({ values }) => values.map(([, value]) => value).filter(Number.isFinite))
  const highest = Math.max(...finite, 1e-9)
  const x = (at: number) => 44 + ((at - start) / (end - start)) * (width - 56)
  const y = (value: number) => height - 34 - (value / highest) * (height - 52)
  const drawn = lines.map(({ values }, index) => {
    let at = 0
    const path = values
      .filter(([, value]) => Number.isFinite(value))
      .map(([moment, value]) => {
        const isNext = moment - at <= STEP_S
        at = moment
        return `${isNext ? 'L' : 'M'}${x(moment).toFixed(1)} ${y(value).toFixed(1)}`
      })
    return `<path d="${path.join(' ')}" fill="none" stroke="${COLOURS[index % COLOURS.length]}" stroke-width="2"/>`
  })
  const legend = lines
    .slice(0, 6)
    .map(
      ({ name }, index) =>
        `<tspan fill="${COLOURS[index % COLOURS.length]}">■ ${escaped(name.slice(0, 40))}  </tspan>`,
    )
    .join('')
  return `<line x1="44" x2="${width - 12}" y1="${height - 34}" y2="${height - 34}" stroke="#cbd5e1"/>
    <text x="40" y="${y(highest) + 4}" class="axis">${shown(highest)}</text><text x="40" y="${height - 32}" class="axis">0</text>
    ${drawn.join('')}<text x="44" y="${height - 12}" class="legend">${legend}</text>`
}

/** The last value, as a table or a large number shows it. */
const now = ({ values }: Line, { end }: Recording) =>
  shown(values.findLast(([at]) => at > end - STEP_S)?.[1] ?? Number.NaN).replace('NaN', '–')

async function draw(panel: Panel, recording: Recording, prometheus: RecordedPrometheus): Promise<string> {
  const { x, y, w, h } = panel.gridPos
  const [width, height] = [w * COLUMN - GAP, h * ROW - GAP]
  const lines: Line[] = []
  for (const { expr, legendFormat } of panel.targets) {
    const series = await prometheus.range(filledIn(expr), recording.start, recording.end, STEP_S)
    for (const one of series)
      lines.push({
        name: named(legendFormat === '' ? '{{volume}}' : legendFormat, one),
        values: one.values.map(([at, value]) => [at, Number(value)] as const),
      })
  }
  const body =
    panel.type === 'stat'
      ? `<text x="${width / 2}" y="${height / 2 + 24}" class="stat">${lines.map((line) => now(line, recording)).join(' ')}</text>`
      : panel.type === 'table'
        ? lines
            .map((line, index) => {
              const [column, row] = [Math.floor(index / 2), index % 2]
              return `<text x="${12 + column * 185}" y="${64 + row * 24}" class="legend">${escaped(line.name.slice(0, 16))} ${now(line, recording)}</text>`
            })
            .join('')
        : graph(lines, recording, width, height - 24)
  const moved =
    panel.type === 'stat' || panel.type === 'table' ? body : `<g transform="translate(0 24)">${body}</g>`
  return `<g transform="translate(${x * COLUMN} ${y * ROW})"><rect width="${width}" height="${height}" rx="4" class="panel"/>
    <text x="10" y="20" class="title">${escaped(panel.title)}</text>${moved}</g>`
}

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('name the file of the picture')
const directory = await mkdtemp(join(tmpdir(), 'dashboard-'))
try {
  const recording = await readRecording()
  await using prometheus = await RecordedPrometheus.open(recording.metrics, directory)
  const { panels } = readDashboard()
  const drawn: string[] = []
  for (const panel of panels) drawn.push(await draw(panel, recording, prometheus))
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * ROW
  const width = 24 * COLUMN
  const browser = await chromium.launch({ executablePath: await findChromium(), args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: width + 20, height: height + 20 } })
    await page.setContent(`<style>body { margin: 10px; background: #f1f5f9; font: 13px system-ui, sans-serif }
      .panel { fill: #fff; stroke: #e2e8f0 } .title { font-weight: 600; fill: #1e293b } .axis { text-anchor: end; fill: #64748b; font-size: 11px }
      .legend { font-size: 12px; fill: #334155; white-space: pre } .stat { font-size: 34px; text-anchor: middle; fill: #0f766e }</style>
      <svg width="${width}" height="${height}">${drawn.join('')}</svg>`)
    await page.screenshot({ path: file })
  } finally {
    await browser.close()
  }
} finally {
  await rm(directory, { recursive: true, force: true })
}
