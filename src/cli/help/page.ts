import type { Example } from '../command.ts'
import type { Display } from '../output/display.ts'
import { wrap } from '../output/wrap.ts'

/** Help is wrapped at this width, or at the terminal's if that is narrower. */
const WIDTH = 80

/** A term and its description. */
export type HelpEntry = readonly [term: string, meaning: string]

/** Formats the elements of a help page. */
export interface HelpPage {
  readonly paragraph: (text: string) => string
  readonly heading: (text: string) => string
  /** Terms with their descriptions beside them, or below if a term is long. */
  readonly entries: (list: readonly HelpEntry[]) => string
  /** Command lines to copy, each below its description. */
  readonly examples: (list: readonly Example[]) => string
}

/** Width of the column of terms; the description of a longer term starts on the next line. */
const WIDEST_TERM = 22

/** Opens a help page. @param terms all terms of the page, which share one column */
export function helpPage(display: Display, terms: readonly HelpEntry[] = []): HelpPage {
  const width = Math.min(display.width, WIDTH)
  const block = (text: string, indent: number) =>
    wrap(text, width - indent).map((line) => `${' '.repeat(indent)}${line}\n`)
  return {
    paragraph: (text) => block(text, 0).join(''),
    heading: (text) => `\n${display.paint('bold', text)}\n`,
    entries(list) {
      const widest = Math.max(...[...terms, ...list].map(([term]) => term.length))
      const column = Math.min(WIDEST_TERM, widest) + 4
      return list
        .flatMap(([term, meaning]) => {
          const lines = block(meaning, column)
          const label = `  ${term}`
          if (label.length + 2 > column) return [`${label}\n`, ...lines]
          return [label.padEnd(column) + lines[0]!.trimStart(), ...lines.slice(1)]
        })
        .join('')
    },
    examples: (list) =>
      list
        .flatMap(({ command, does }) => [
          `  ${display.paint('dim', `# ${does}`)}\n`,
          ...continued(command, width - 2).map((line) => `  ${line}\n`),
        ])
        .join(''),
  }
}

/** A command split over several lines with backslashes, as a shell accepts it. */
function continued(command: string, width: number): string[] {
  const lines = wrap(command, width - 4, / (?=-)/)
  return lines.map(
    (line, index) => `${index === 0 ? '' : '  '}${line}${index === lines.length - 1 ? '' : ' \\'}`,
  )
}
