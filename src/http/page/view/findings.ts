import type { Finding, Severity } from '../../../doctor/finding.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { command } from './command.ts'
import { fixParts } from './fix-parts.ts'
import type { Tone } from './words.ts'
import { sign } from './words.ts'

const TONE: Readonly<Record<Severity, Tone>> = { critical: 'bad', warning: 'wait', info: 'idle' }

/** Findings beyond this number are counted; `doctor` has all. */
const MOST_FINDINGS = 50

/** What doctor has found, the worst first, each with its fix. */
export function findings({ findings: all, node }: Model, ui: Ui): PageElement {
  const shown = all?.slice(0, MOST_FINDINGS) ?? []
  return h(
    'section',
    { 'aria-labelledby': 'findings', key: 'findings' },
    h(
      'div',
      { class: 'head' },
      h('h2', { id: 'findings' }, 'Findings'),
      node?.changes === true &&
        shown.length > 0 &&
        h('button', { type: 'button', 'data-action': 'fix' }, 'Apply safe repairs …'),
    ),
    all === null
      ? h('p', { class: 'soft' }, 'Looking …')
      : all.length === 0
        ? h('p', { class: 'soft' }, sign('good'), ' Nothing found.')
        : h(
            'ul',
            { class: 'findings' },
            shown.map((one) => finding(one, ui)),
          ),
    all !== null &&
      all.length > MOST_FINDINGS &&
      h('p', { class: 'soft' }, `And ${all.length - MOST_FINDINGS} more: `, command('lunkeeper doctor', ui)),
  )
}

function finding({ code, severity, subject, message, fix }: Finding, ui: Ui): PageElement {
  const tone = TONE[severity]
  return h(
    'li',
    { class: tone, key: `${code} ${subject} ${message}` },
    h(
      'p',
      { class: 'what' },
      sign(tone),
      ' ',
      h('span', { class: `label ${tone}` }, severity),
      ' ',
      h('b', {}, subject),
      ' ',
      h('code', { class: 'soft' }, code),
    ),
    h('p', {}, message),
    fix !== null &&
      h(
        'p',
        { class: 'fix' },
        h('span', { class: 'soft' }, 'Fix: '),
        fixParts(fix).map(({ kind, text }) => (kind === 'command' ? command(text, ui) : text)),
      ),
  )
}
