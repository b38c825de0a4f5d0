import type { AnyCommand } from '../command.ts'
import { GLOBAL_OPTIONS } from '../globals.ts'
import type { Display } from '../output/display.ts'
import { optionEntry } from './option-entry.ts'
import { helpPage } from './page.ts'

/** The help page of a command: what it does, how to call it, and its exit status. */
export function commandHelp(
  { name, summary, about, usage, options, examples }: AnyCommand,
  display: Display,
): string {
  const {
    paragraph,
    heading,
    entries,
    examples: commandLines,
  } = helpPage(display, [...options, ...GLOBAL_OPTIONS].map(optionEntry))
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
    heading('Global options'),
    entries(GLOBAL_OPTIONS.map(optionEntry)),
    heading('Exit status'),
    paragraph(EXIT_STATUS),
  ].join('')
}

export const EXIT_STATUS =
  '0 success, including nothing to do. 1 failed. 2 the request is invalid. 3 `doctor` has critical findings or warnings. Errors are printed as "error[CODE]: what happened" and "hint: what to do"; `lunkeeper help CODE` explains a code.'
