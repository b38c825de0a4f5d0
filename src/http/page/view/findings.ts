import type { Finding, Severity } from '../../../doctor/finding.ts'
import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Model, Ui } from '../model.ts'
import { commandLine } from './command.ts'
import { fixParts } from './fix-parts.ts'
import type { Tone } from './tone.ts'
import { toneIcon } from './tone.ts'

const SEVERITY_TONE: Readonly<Record<Severity, Tone>> = { critical: 'bad', warning: 'wait', info: 'idle' }

/** Further findings are only counted; `lunkeeper doctor` lists all. */
const MAX_FINDINGS = 50

/** The findings of doctor, the most severe first, each with its fix. */
export function findings({ findings: all, node }: Model, ui: Ui): PageElement {
  const shown = all?.slice(0, MAX_FINDINGS) ?? []
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
      ? h('p', { class: 'soft' }, 'Checking …')
      : all.length === 0
        ? h('p', { class: 'soft' }, toneIcon('good'), ' No findings.')
        : h(
            'ul',
            { class: 'findings' },
            shown.map((one) => finding(one, ui)),
          ),
    all !== null &&
      all.length > MAX_FINDINGS &&
      h(
        'p',
        { class: 'soft' },
        `And ${all.length - MAX_FINDINGS} more: `,
        commandLine('lunkeeper doctor', ui),
      ),
  )
}

function finding({ code, severity, subject, message, fix }: Finding, ui: Ui): PageElement {
  const tone = SEVERITY_TONE[severity]
  return h(
    'li',
    { class: tone, key: `${code} ${subject} ${message}` },
    h(
      'p',
      { class: 'what' },
      toneIcon(tone),
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
        fixParts(fix).map(({ kind, text }) => (kind === 'command' ? commandLine(text, ui) : text)),
      ),
  )
}
