import type { AnyCommand } from '../command.ts'
import { GLOBAL_OPTIONS } from '../globals.ts'
import type { Look } from '../output/look.ts'
import { optionEntry } from './option-entry.ts'
import { page } from './page.ts'

/** What a command does and promises, how to call it, and what it says when it fails. */
export function commandHelp(
  { name, summary, about, usage, options, examples }: AnyCommand,
  look: Look,
): string {
  const {
    paragraph,
    heading,
    entries,
    examples: commandLines,
  } = page(look, [...options, ...GLOBAL_OPTIONS].map(optionEntry))
  const sections = [...new Set(options.map(({ section = 'Options' }) => section))]
  return [
    paragraph(`${summary}.`),
    heading('Usage'),
    ...usage.map((way) => `  lunkeeper ${name} ${way}`.trimEnd() + '\n'),
    '\n',
    paragraph(about),
    heading('Examples'),
    commandLines(examples),
    ...sections.flatMap((title) => [
      heading(title),
      entries(options.filter(({ section = 'Options' }) => section === title).map(optionEntry)),
    ]),
    heading('Every command'),
    entries(GLOBAL_OPTIONS.map(optionEntry)),
    heading('Exit status'),
    paragraph(EXIT_STATUS),
  ].join('')
}

export const EXIT_STATUS =
  '0 done, also where there was nothing to do. 1 it failed. 2 the request is wrong. 3 `doctor` found something wrong. An error is a line "error[CODE]: what happened" and a line "hint: what to do"; `lunkeeper help CODE` says more.'
