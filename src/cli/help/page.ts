import type { Example } from '../command.ts'
import type { Look } from '../output/look.ts'
import { wrap } from '../output/wrap.ts'

/** Help is wrapped at this width, or at the terminal's if that is narrower. */
const WIDTH = 80

export type Entry = readonly [term: string, meaning: string]

/** The elements of a help page. */
export interface Page {
  readonly paragraph: (text: string) => string
  readonly heading: (text: string) => string
  /** Terms with their descriptions beside them, or below if a term is long. */
  readonly entries: (list: readonly Entry[]) => string
  /** Command lines to copy, each below its description. */
  readonly examples: (list: readonly Example[]) => string
}

/** Width of the column of terms; the description of a longer term starts on the next line. */
const WIDEST_TERM = 22

/** @param terms all terms of the page, which share one column */
export function page(look: Look, terms: readonly Entry[] = []): Page {
  const width = Math.min(look.width, WIDTH)
  const block = (text: string, indent: number) =>
    wrap(text, width - indent).map((line) => `${' '.repeat(indent)}${line}\n`)
  return {
    paragraph: (text) => block(text, 0).join(''),
    heading: (text) => `\n${look.paint('bold', text)}\n`,
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
          `  ${look.paint('dim', `# ${does}`)}\n`,
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
