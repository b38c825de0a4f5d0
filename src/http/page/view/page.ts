import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { attention } from './attention.ts'
import { dialog } from './dialog.ts'
import { findings } from './findings.ts'
import { timeline } from './timeline.ts'
import { tree } from './tree.ts'
import type { Verdict } from './verdict.ts'
import { verdictOf } from './verdict.ts'
import { volumes } from './volumes.ts'
import { clock, countdown, sign } from './words.ts'

/** The whole page: a pure function of what is known. */
export function page(model: Model, ui: Ui): PageElement[] {
  const isRefused = ui.connection === 'refused'
  const elements = [
    header(model, ui),
    h(
      'main',
      { id: 'content', key: 'main' },
      ui.notice &&
        h(
          'p',
          { class: `notice ${ui.notice.isGood ? 'good' : 'bad'}`, key: 'notice' },
          sign(ui.notice.isGood ? 'good' : 'bad'),
          ' ',
          ui.notice.text,
        ),
      isRefused
        ? refused(ui)
        : [
            verdict(verdictOf(model), ui),
            attention(model, ui),
            findings(model, ui),
            tree(model, ui),
            volumes(model, ui),
            timeline(model, ui),
          ],
    ),
    footer(model),
    dialog(ui),
  ]
  return elements.filter((element) => element !== null)
}

/** Shown in the list of the browser's tabs. */
export function titleOf(model: Model): string {
  const name = model.node?.name ?? 'Lunkeeper'
  if (model.volumes === null) return name
  const { tone, headline } = verdictOf(model)
  return tone === 'good' || tone === 'idle' ? name : `${headline} · ${name}`
}

function header({ node }: Model, ui: Ui): PageElement {
  return h(
    'header',
    { key: 'header' },
    h('a', { class: 'skip', href: '#content' }, 'Skip to the content'),
    h('p', { class: 'node' }, h('b', {}, node?.name ?? 'Lunkeeper')),
    h('p', { class: `link ${ui.connection}` }, connectionOf(ui)),
    node?.changes === true &&
      h(
        'button',
        { type: 'button', 'data-action': ui.hasToken ? 'forget' : 'token' },
        ui.hasToken ? 'Forget the token' : 'Enter the token …',
      ),
  )
}

function connectionOf({ connection, reason }: Ui): (PageElement | string)[] {
  switch (connection) {
    case 'connecting':
      return [sign('idle'), ' Connecting …']
    case 'live':
      return [sign('good'), ' Live']
    case 'lost':
      return [sign('bad'), ` Not connected, shown as it was${reason === null ? '' : ` (${reason})`}`]
    case 'refused':
    default:
      return [sign('bad'), ' Not allowed']
  }
}

function verdict({ tone, headline, next }: Verdict, { nowMs }: Ui): PageElement {
  const [first] = next
  return h(
    'section',
    { class: `verdict ${tone}`, key: 'verdict', 'aria-label': 'Summary' },
    h('h1', {}, sign(tone), ' ', headline),
    first !== undefined &&
      h(
        'p',
        {},
        first.deadline === null
          ? 'It is held without a limit, until the target returns.'
          : [
              'Unless its target returns, I/O of ',
              h('b', {}, first.volume),
              ' fails ',
              h('b', {}, countdown(first.deadline, nowMs)),
              ', at ',
              clock(first.deadline, nowMs),
              next.length > 1 ? `; ${next.length - 1} more held.` : '.',
            ],
      ),
  )
}

function refused({ reason }: Ui): PageElement {
  return h(
    'section',
    { class: 'verdict bad', 'aria-label': 'Summary', key: 'verdict' },
    h('h1', {}, sign('bad'), ' This page is not shown here'),
    h('p', {}, reason ?? 'The agent refused.'),
    h('p', {}, h('button', { type: 'button', 'data-action': 'token' }, 'Enter the token …')),
  )
}

function footer({ node }: Model): PageElement {
  return h(
    'footer',
    { key: 'footer' },
    h(
      'p',
      {},
      `Lunkeeper${node === null ? '' : ` ${node.version}`} · `,
      h('a', { href: '/api/v1/openapi.json' }, 'API'),
      ' · ',
      h('a', { href: '/metrics' }, 'Metrics'),
    ),
  )
}
