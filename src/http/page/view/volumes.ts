import type { VolumeStatus } from '../../../model/attachment.ts'
import { isPathUp } from '../../../model/attachment.ts'
import { formatBytes } from '../../../model/bytes.ts'
import { formatHold, limitText } from '../../../model/hold-text.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { byUrgency, isHoldShort } from '../../../model/urgency.ts'
import { countdown } from './time.ts'
import { toneIcon, STATE_TONE, unwritten } from './tone.ts'

/** The filter is shown if there are more volumes than this. */
const MIN_VOLUMES_FOR_FILTER = 8

/** The table of all volumes, the most urgent first. */
export function volumes({ volumes: all }: Model, ui: Ui): PageElement | null {
  if (all === null || all.length === 0) return null
  const shown = byUrgency(all).filter((volume) => matches(volume, ui.filter))
  const isOutage = all.some(({ state }) => state === 'holding')
  return h(
    'section',
    { 'aria-labelledby': 'volumes', key: 'volumes' },
    h(
      'div',
      { class: 'head' },
      h('h2', { id: 'volumes' }, 'Volumes'),
      all.length > MIN_VOLUMES_FOR_FILTER &&
        h(
          'label',
          {},
          h('span', { class: 'soft' }, 'Filter '),
          h('input', {
            type: 'search',
            id: 'filter',
            autocomplete: 'off',
            spellcheck: 'false',
            placeholder: 'name, target, state, mount',
          }),
        ),
    ),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Table of volumes' },
      h(
        'table',
        { class: 'volumes' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['Name', 'State', 'Size', 'Hold', 'Paths', ...(isOutage ? ['Not written'] : []), 'Mount'].map(
              (text) => h('th', { scope: 'col', class: text === 'Not written' && 'unwritten' }, text),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          shown.map((volume) => row(volume, ui.nowMs, isOutage)),
        ),
      ),
    ),
    shown.length === 0 && h('p', { class: 'soft' }, 'No volume matches the filter.'),
  )
}

function row(volume: VolumeStatus, nowMs: number, isOutage: boolean): PageElement {
  const { name, state, hold, identity, mount, device, paths } = volume
  const tone = STATE_TONE[state]
  const up = paths.filter(isPathUp).length
  return h(
    'tr',
    { key: name },
    h('th', { scope: 'row' }, name),
    h(
      'td',
      { 'data-label': 'State' },
      h('span', { class: `state ${tone}` }, toneIcon(tone), ' ', state),
      state === 'holding' &&
        h(
          'span',
          { class: 'soft' },
          hold.deadline === null
            ? ` ${limitText(hold.effective)}`
            : [' fails ', countdown(hold.deadline, nowMs)],
        ),
    ),
    h('td', { class: 'number', 'data-label': 'Size' }, identity === null ? '?' : formatBytes(identity.bytes)),
    h(
      'td',
      { class: 'number', 'data-label': 'Hold' },
      formatHold(hold.wanted),
      isHoldShort(hold) && h('span', { class: 'tone wait' }, ` (effective ${formatHold(hold.effective)})`),
    ),
    h(
      'td',
      { class: 'number', 'data-label': 'Paths' },
      h('span', { class: up < paths.length ? 'tone wait' : '' }, `${up} of ${paths.length}`),
    ),
    isOutage && h('td', { class: 'number', 'data-label': 'Not written' }, unwritten(volume) ?? '–'),
    h('td', { class: 'path', 'data-label': 'Mount' }, mount ?? device ?? '–'),
  )
}

function matches({ name, state, mount, device, paths }: VolumeStatus, filter: string): boolean {
  const text = [name, state, mount, device, paths[0]?.iqn, ...paths.map(({ portal }) => portal)]
    .join(' ')
    .toLowerCase()
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word))
}
