import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { DialogName, Ui } from '../model.ts'

/** The open dialog; null if there is none. browser/main.ts reads its fields when the form is submitted. */
export function dialog({ dialog: open, isBusy }: Ui): PageElement | null {
  return open && question(open, isBusy)
}

function question(open: DialogName, isBusy: boolean): PageElement {
  switch (open.kind) {
    case 'token':
      return form('Token', 'Use it', isBusy, [
        h(
          'p',
          {},
          'The token in the --http-token-file of the agent. Only this page keeps it, until you close or reload it.',
        ),
        field('token', 'Token', { type: 'password', autocomplete: 'off', required: true }),
      ])
    case 'hold':
      return form(`Change the hold of ${open.volume}`, 'Change', isBusy, [
        h(
          'p',
          {},
          'How long I/O is held after the last path is lost. This also applies to the current outage.',
        ),
        field('wanted', 'Hold', {
          type: 'text',
          value: '2h',
          pattern: '(\\d+[smhd])+|\\d+|forever',
          required: true,
        }),
        h('p', { class: 'soft' }, 'For example 300s, 30m, 2h, or forever.'),
      ])
    case 'give-up':
      return form(`Give up ${open.volume}`, 'Give up', isBusy, [
        h(
          'p',
          {},
          'Held I/O fails now. Data that is not on the target yet is lost, and the file system must be remounted.',
        ),
        field('confirm', `Type ${open.volume} to confirm`, {
          type: 'text',
          autocomplete: 'off',
          required: true,
          'data-equals': open.volume,
        }),
      ])
    case 'fix':
    default:
      return form('Apply safe repairs', 'Apply', isBusy, [
        h(
          'p',
          {},
          'Runs lunkeeper doctor --fix, which makes only repairs that lose no data and disturb no user.',
        ),
      ])
  }
}

function form(title: string, verb: string, isBusy: boolean, fields: readonly PageElement[]): PageElement {
  return h(
    'dialog',
    { id: 'dialog', 'aria-labelledby': 'dialog-title', key: title },
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'dialog-title' }, title),
      fields,
      h(
        'p',
        { class: 'actions' },
        h('button', { type: 'submit', class: 'main', disabled: isBusy }, isBusy ? 'Working …' : verb),
        h('button', { type: 'button', 'data-action': 'cancel' }, 'Cancel'),
      ),
    ),
  )
}

function field(
  name: string,
  label: string,
  initial: Readonly<Record<string, string | boolean>>,
): PageElement {
  return h('label', { class: 'field' }, h('span', {}, label), h('input', { name, initial }))
}
