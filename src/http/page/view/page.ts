import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { attention } from './attention.ts'
import { dialog } from './dialog.ts'
import { findings } from './findings.ts'
import { timeline } from './timeline.ts'
import { tree } from './tree.ts'
import type { Summary } from './summary.ts'
import { summaryOf } from './summary.ts'
import { volumes } from './volumes.ts'
import { clock, countdown } from './time.ts'
import { toneIcon } from './tone.ts'

/** The whole page, as a pure function of the state of the node and of the page. */
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
          toneIcon(ui.notice.isGood ? 'good' : 'bad'),
          ' ',
          ui.notice.text,
        ),
      isRefused
        ? refused(ui)
        : [
            summary(summaryOf(model), ui),
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

/** The title of the document, which browsers show on tabs. */
export function titleOf(model: Model): string {
  const name = model.node?.name ?? 'Lunkeeper'
  if (model.volumes === null) return name
  const { tone, headline } = summaryOf(model)
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
      return [toneIcon('idle'), ' Connecting …']
    case 'live':
      return [toneIcon('good'), ' Live']
    case 'lost':
      return [
        toneIcon('bad'),
        ` Not connected; showing the last known state${reason === null ? '' : ` (${reason})`}`,
      ]
    case 'refused':
    default:
      return [toneIcon('bad'), ' Not allowed']
  }
}

function summary({ tone, headline, next }: Summary, { nowMs }: Ui): PageElement {
  const [first] = next
  return h(
    'section',
    { class: `verdict ${tone}`, key: 'verdict', 'aria-label': 'Summary' },
    h('h1', {}, toneIcon(tone), ' ', headline),
    first !== undefined &&
      h(
        'p',
        {},
        first.deadline === null
          ? `I/O is held ${first.limit}, until the target returns.`
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
    h('h1', {}, toneIcon('bad'), ' Access to this page was refused'),
    h('p', {}, reason ?? 'The agent refused the connection.'),
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
