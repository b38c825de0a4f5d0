import type { PageElement } from '../element.ts'
import { h } from '../element.ts'
import type { Ui } from '../model.ts'

/** A command with a button that copies it. */
export function commandLine(text: string, { copied }: Pick<Ui, 'copied'>): PageElement {
  const isCopied = copied === text
  return h(
    'span',
    { class: 'command' },
    h('code', {}, text),
    h(
      'button',
      { type: 'button', 'data-copy': text, 'aria-label': isCopied ? `Copied: ${text}` : `Copy: ${text}` },
      isCopied ? 'Copied' : 'Copy',
    ),
  )
}
