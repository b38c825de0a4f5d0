/** Markup that is safe to insert into a page. */
export interface Html {
  readonly markup: string
}

/** A template whose values are escaped, unless they are markup themselves; lists are joined. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  return {
    markup: strings
      .map((string, index) => string + (index < values.length ? markupOf(values[index]!) : ''))
      .join(''),
  }
}

function markupOf(value: string | number | Html | readonly Html[]): string {
  if (typeof value === 'string') return escaped(value)
  if (typeof value === 'number') return String(value)
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!)
}

export const NOTHING: Html = { markup: '' }
