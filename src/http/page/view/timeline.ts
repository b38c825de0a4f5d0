import type { Outage } from '../../../model/outage.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { clock, clockText, count, duration, elapsed, sign } from './words.ts'

const HOUR_MS = 3_600_000
const LONGEST_MS = 24 * HOUR_MS
/** Volumes that are drawn, and outages that are listed. */
const MOST_LANES = 16
const MOST_ROWS = 20
/** Units of a lane's drawing. */
const WIDTH = 1_000
const LANE = 14
/** So that an outage of a second is seen. */
const THINNEST = 3

const REASONS: Readonly<Record<NonNullable<Outage['reason']>, string>> = {
  deadline: 'the hold ended',
  'give-up': 'given up',
  removed: 'its disk was removed',
  misplaced: 'another volume answered',
  fenced: 'another node took the volume',
}

/** The outages that are known: drawn for the last day, and listed. */
export function timeline({ outages, node }: Model, ui: Ui): PageElement {
  return h(
    'section',
    { 'aria-labelledby': 'outages', key: 'outages' },
    h('h2', { id: 'outages' }, 'Outages'),
    outages === null || outages.length === 0
      ? h(
          'p',
          { class: 'soft' },
          'None is known. This agent has run since ',
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

/** From the first outage of the last day until now; an hour at least. */
export function windowOf(outages: readonly Outage[], nowMs: number): Window {
  const first = Math.min(nowMs, ...outages.map(({ since }) => Date.parse(since)))
  const span = Math.min(LONGEST_MS, Math.max(HOUR_MS, (nowMs - first) * 1.05))
  return { from: nowMs - span, to: nowMs }
}

function drawing(outages: readonly Outage[], nowMs: number): PageElement {
  const window = windowOf(outages, nowMs)
  const recent = outages.filter(({ until }) => until === null || Date.parse(until) > window.from)
  const names = [...new Set(recent.toReversed().map(({ volume }) => volume))]
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => window.from + part * (window.to - window.from))
  return h(
    'figure',
    { class: 'timeline', 'aria-hidden': 'true' },
    names.slice(0, MOST_LANES).map((name) =>
      h(
        'div',
        { class: 'lane', key: name },
        h('span', { class: 'who' }, name),
        h(
          'svg',
          { viewBox: `0 0 ${WIDTH} ${LANE}`, preserveAspectRatio: 'none' },
          h('rect', { class: 'bed', x: 0, y: 0, width: WIDTH, height: LANE }),
          recent.filter(({ volume }) => volume === name).map((outage) => bars(outage, window)),
        ),
      ),
    ),
    names.length > MOST_LANES &&
      h('p', { class: 'soft' }, `And ${count(names.length - MOST_LANES, 'more volume')}.`),
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

function bars({ since, failed, until }: Outage, { from, to }: Window): (PageElement | false)[] {
  const place = (ms: number) => Math.min(WIDTH, Math.max(0, ((ms - from) / (to - from)) * WIDTH))
  const begin = place(Date.parse(since))
  const end = place(until === null ? to : Date.parse(until))
  const turn = failed === null ? end : place(Date.parse(failed))
  const bar = (tone: string, x: number, width: number) =>
    h('rect', { class: tone, x: x.toFixed(1), y: 0, width: width.toFixed(1), height: LANE })
  return [
    bar('wait', Math.min(begin, WIDTH - THINNEST), Math.max(THINNEST, turn - begin)),
    failed !== null && bar('bad', Math.min(turn, WIDTH - THINNEST), Math.max(THINNEST, end - turn)),
  ]
}

function list(outages: readonly Outage[], nowMs: number): PageElement {
  const newest = outages.toReversed().slice(0, MOST_ROWS)
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
                ? [sign(until === null ? 'wait' : 'good'), until === null ? ' held' : ' waited, none failed']
                : [sign('bad'), ` failed: ${REASONS[reason]}`],
            ),
          ),
        ),
      ),
    ),
  )
}
