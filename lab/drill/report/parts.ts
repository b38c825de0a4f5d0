import type { SideName } from '../volumes.ts'
import { BOTH, SIDES } from '../words.ts'
import { escape } from './escape.ts'
import { STYLE } from './style.ts'

/** One number of a drill: its label and its formatted value. */
export interface Row<Numbers> {
  readonly what: string
  readonly of: (numbers: Numbers) => string
}

export interface Fact {
  readonly what: string
  readonly value: string
  readonly isGood: boolean
}

/** What happened to one side, at a glance. */
export function card(
  side: SideName,
  {
    isWell,
    fate,
    facts,
  }: { readonly isWell: boolean; readonly fate: string; readonly facts: readonly Fact[] },
): string {
  const shown = facts.map(
    ({ what, value, isGood }) =>
      `<div><dt>${escape(what)}</dt><dd class="${isGood ? 'good' : 'fail'}">${escape(value)}</dd></div>`,
  )
  return (
    `<section class="card"><h2>${escape(SIDES[side])}</h2>` +
    `<p class="fate"><b class="${isWell ? 'good' : 'fail'}">${isWell ? '✓' : '✗'}</b> ${escape(fate)}</p>` +
    `<dl>${shown.join('')}</dl></section>`
  )
}

export function table<Numbers>(
  rows: readonly Row<Numbers>[],
  sides: Readonly<Record<SideName, Numbers>>,
): string {
  const lines = rows.map(
    ({ what, of }) =>
      `<tr><th scope="row">${escape(what)}</th>${BOTH.map((name) => `<td>${escape(of(sides[name]))}</td>`).join('')}</tr>`,
  )
  const heads = BOTH.map((name) => `<th scope="col">${escape(SIDES[name])}</th>`)
  return `<table><thead><tr><td></td>${heads.join('')}</tr></thead><tbody>${lines.join('')}</tbody></table>`
}

/** The meaning of the colours of a drawing. */
export function key(well: string, waits: string, bad: string): string {
  const entries = Object.entries({ well, waits, bad })
  return `<ul class="key">${entries.map(([tone, words]) => `<li><span class="${tone}"></span>${words}</li>`).join('')}</ul>`
}

/** A report: one self-contained HTML file. @param body HTML */
export const document = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>${STYLE}</style></head>
<body><main>
${body}
</main></body></html>
`
