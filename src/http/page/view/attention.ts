import type { VolumeStatus } from '../../../model/attachment.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { commandLine } from './command.ts'
import { byUrgency } from '../../../model/urgency.ts'
import { limitText } from '../../../model/hold-text.ts'
import { count } from '../../../model/count.ts'
import { clock, countdown, elapsed } from './time.ts'
import { toneIcon, STATE_TONE, STATE_TEXT, unwritten } from './tone.ts'

/** More cards are too many to read. The table of volumes shows all. */
const MAX_CARDS = 12

/** A card for each volume that is not ready, the most urgent first; null if all are ready. */
export function attention({ node, volumes }: Model, ui: Ui): PageElement | null {
  const wrong = byUrgency(volumes ?? []).filter(({ state }) => state !== 'ready')
  if (wrong.length === 0) return null
  const shown = wrong.slice(0, MAX_CARDS)
  return h(
    'section',
    { 'aria-labelledby': 'attention', key: 'attention' },
    h('h2', { id: 'attention' }, 'Needs attention'),
    h(
      'ul',
      { class: 'cards' },
      shown.map((volume) => card(volume, ui, node?.changes ?? false)),
    ),
    wrong.length > shown.length &&
      h('p', { class: 'soft' }, `And ${count(wrong.length - shown.length, 'more volume')} below.`),
  )
}

function card(volume: VolumeStatus, ui: Ui, isChangeable: boolean): PageElement {
  const { name, state, hold, mount } = volume
  const tone = STATE_TONE[state]
  const waiting = unwritten(volume)
  return h(
    'li',
    { class: `card ${tone}`, key: name },
    h('h3', {}, toneIcon(tone), ' ', name),
    h('p', { class: 'state' }, `${state}: ${STATE_TEXT[state]}`),
    state === 'holding' && deadlineOf(volume, ui.nowMs),
    h(
      'dl',
      {},
      hold.since !== null &&
        fact('Paths lost', clock(hold.since, ui.nowMs), elapsedAgo(hold.since, ui.nowMs)),
      waiting !== null && fact('Not on the target yet', waiting),
      mount !== null && fact('Mounted at', mount),
    ),
    state === 'holding' && isChangeable
      ? actions(name, hold.mode !== 'session')
      : adviceOf(volume).map((text) => commandLine(text, ui)),
  )
}

function deadlineOf({ name, hold }: VolumeStatus, nowMs: number): PageElement {
  const { deadline, since } = hold
  if (deadline === null || since === null)
    return h(
      'p',
      { class: 'due' },
      h('b', {}, `Held ${limitText(hold.effective)}`),
      h('span', {}, 'until the target returns'),
    )
  const total = Math.max(1, Date.parse(deadline) - Date.parse(since))
  return h(
    'div',
    { class: 'due' },
    h('b', {}, countdown(deadline, nowMs)),
    h('span', {}, 'I/O fails, at ', clock(deadline, nowMs)),
    h('progress', {
      max: total,
      value: Math.min(total, Math.max(0, Date.parse(deadline) - nowMs)),
      'data-until': Date.parse(deadline),
      'aria-label': `Time left for ${name}`,
    }),
  )
}

function fact(name: string, ...value: (PageElement | string)[]): PageElement {
  return h('div', {}, h('dt', {}, name), h('dd', {}, ...value))
}

function elapsedAgo(since: string, nowMs: number): PageElement {
  return h('span', { class: 'soft' }, ' · ', elapsed(since, nowMs), ' ago')
}

function actions(name: string, isHeldByMap: boolean): PageElement {
  const button = (action: string, text: string, style: string) =>
    h(
      'button',
      {
        type: 'button',
        class: style,
        'data-action': action,
        'data-volume': name,
        'aria-label': `${text}: ${name}`,
      },
      text,
    )
  return h(
    'p',
    { class: 'actions' },
    button('hold', 'Change the hold …', ''),
    isHeldByMap && button('give-up', 'Give up …', 'danger'),
  )
}

/** The command that helps in this state. Findings have further advice. */
function adviceOf({ name, state, hold }: VolumeStatus): string[] {
  if (state === 'holding') return hold.mode === 'session' ? [] : [`lunkeeper hold ${name} --set 2h`]
  if (state === 'fenced' || state === 'misplaced') return [`lunkeeper detach ${name} --force`]
  return state === 'failed' ? [`lunkeeper volumes ${name}`] : []
}
