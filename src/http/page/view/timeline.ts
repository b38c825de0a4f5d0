import type { VolumeOutage } from '../../../model/outage.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { count } from '../../../model/count.ts'
import { clock, clockText, duration, elapsed } from './time.ts'
import { toneIcon } from './tone.ts'

const HOUR_MS = 3_600_000
const MAX_WINDOW_MS = 24 * HOUR_MS
/** At most this many volumes are drawn, and this many outages are listed. */
const MAX_LANES = 16
const MAX_ROWS = 20
/** Size of a lane in SVG units. */
const LANE_WIDTH_PX = 1_000
const LANE_HEIGHT_PX = 14
/** An outage of a second must be visible. */
const MIN_BAR_WIDTH = 3

const REASONS: Readonly<Record<NonNullable<VolumeOutage['reason']>, string>> = {
  deadline: 'the hold ended',
  'give-up': 'given up',
  removed: 'its disk was removed',
  misplaced: 'another volume answered',
  fenced: 'another node took the volume',
}

/** The known outages: a drawing of the last day, and a list. */
export function timeline({ outages, node }: Model, ui: Ui): PageElement {
  return h(
    'section',
    { 'aria-labelledby': 'outages', key: 'outages' },
    h('h2', { id: 'outages' }, 'Outages'),
    outages === null || outages.length === 0
      ? h(
          'p',
          { class: 'soft' },
          'No outages are known. This agent has been running since ',
          node === null ? 'its start' : clock(node.agentSince, ui.nowMs),
          '.',
        )
      : [drawing(outages, ui.nowMs), list(outages, ui.nowMs)],
  )
}

interface Window {
  readonly from: number
  readonly to: number
}

/** The time that is drawn: from the first outage of the last day until now, and at least an hour. */
export function windowOf(outages: readonly VolumeOutage[], nowMs: number): Window {
  const first = Math.min(nowMs, ...outages.map(({ since }) => Date.parse(since)))
  const span = Math.min(MAX_WINDOW_MS, Math.max(HOUR_MS, (nowMs - first) * 1.05))
  return { from: nowMs - span, to: nowMs }
}

function drawing(outages: readonly VolumeOutage[], nowMs: number): PageElement {
  const window = windowOf(outages, nowMs)
  const recent = outages.filter(({ until }) => until === null || Date.parse(until) > window.from)
  const names = [...new Set(recent.toReversed().map(({ volume }) => volume))]
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => window.from + part * (window.to - window.from))
  return h(
    'figure',
    { class: 'timeline', 'aria-hidden': 'true' },
    names.slice(0, MAX_LANES).map((name) =>
      h(
        'div',
        { class: 'lane', key: name },
        h('span', { class: 'who' }, name),
        h(
          'svg',
          { viewBox: `0 0 ${LANE_WIDTH_PX} ${LANE_HEIGHT_PX}`, preserveAspectRatio: 'none' },
          h('rect', { class: 'bed', x: 0, y: 0, width: LANE_WIDTH_PX, height: LANE_HEIGHT_PX }),
          recent.filter(({ volume }) => volume === name).map((outage) => bars(outage, window)),
        ),
      ),
    ),
    names.length > MAX_LANES &&
      h('p', { class: 'soft' }, `And ${count(names.length - MAX_LANES, 'more volume')}.`),
    h(
      'div',
      { class: 'lane axis' },
      h('span', {}),
      h(
        'div',
        { class: 'ticks' },
        ticks.map((at, index) =>
          h('span', {}, index === ticks.length - 1 ? 'now' : clockText(at, nowMs).replace(/:\d\d$/, '')),
        ),
      ),
    ),
    h(
      'ul',
      { class: 'key' },
      h('li', {}, h('span', { class: 'wait' }), 'I/O held'),
      h('li', {}, h('span', { class: 'bad' }), 'I/O failed'),
    ),
  )
}

function bars({ since, failed, until }: VolumeOutage, { from, to }: Window): (PageElement | false)[] {
  const place = (ms: number) =>
    Math.min(LANE_WIDTH_PX, Math.max(0, ((ms - from) / (to - from)) * LANE_WIDTH_PX))
  const begin = place(Date.parse(since))
  const end = place(until === null ? to : Date.parse(until))
  const turn = failed === null ? end : place(Date.parse(failed))
  const bar = (tone: string, x: number, width: number) =>
    h('rect', { class: tone, x: x.toFixed(1), y: 0, width: width.toFixed(1), height: LANE_HEIGHT_PX })
  return [
    bar('wait', Math.min(begin, LANE_WIDTH_PX - MIN_BAR_WIDTH), Math.max(MIN_BAR_WIDTH, turn - begin)),
    failed !== null &&
      bar('bad', Math.min(turn, LANE_WIDTH_PX - MIN_BAR_WIDTH), Math.max(MIN_BAR_WIDTH, end - turn)),
  ]
}

function list(outages: readonly VolumeOutage[], nowMs: number): PageElement {
  const newest = outages.toReversed().slice(0, MAX_ROWS)
  return h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Table of outages' },
    h(
      'table',
      { class: 'outages' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Volume', 'Paths lost', 'Lasted', 'I/O'].map((text) => h('th', { scope: 'col' }, text)),
        ),
      ),
      h(
        'tbody',
        {},
        newest.map(({ volume, since, until, seconds, reason }) =>
          h(
            'tr',
            { key: `${volume} ${since}` },
            h('th', { scope: 'row' }, volume),
            h('td', { 'data-label': 'Paths lost' }, clock(since, nowMs)),
            h(
              'td',
              { 'data-label': 'Lasted' },
              until === null ? [elapsed(since, nowMs), ' so far'] : duration((seconds ?? 0) * 1000),
            ),
            h(
              'td',
              { 'data-label': 'I/O' },
              reason === null
                ? [
                    toneIcon(until === null ? 'wait' : 'good'),
                    until === null ? ' held' : ' held, none failed',
                  ]
                : [toneIcon('bad'), ` failed: ${REASONS[reason]}`],
            ),
          ),
        ),
      ),
    ),
  )
}
