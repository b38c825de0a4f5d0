import type { Example } from '../command.ts'
import type { Look } from '../output/look.ts'
import { wrap } from '../output/wrap.ts'

/** Help is written for this width; a narrower screen gets its own, a wider one no longer lines. */
const WIDTH = 80

export type Entry = readonly [term: string, meaning: string]

/** The parts that help is made of. */
export interface Page {
  readonly paragraph: (text: string) => string
  readonly heading: (text: string) => string
  /** Terms with what they mean beside them, or below where a term is long. */
  readonly entries: (list: readonly Entry[]) => string
  /** Command lines to copy, whole, each below what it does. */
  readonly examples: (list: readonly Example[]) => string
}

/** Terms are given this much; longer ones push their meaning to the next line. */
const WIDEST_TERM = 22

/** @param terms all that the page explains: one column for all of it */
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

/** A command on several lines, each but the last ending in a backslash, as a shell takes it. */
function continued(command: string, width: number): string[] {
  const lines = wrap(command, width - 4, / (?=-)/)
  return lines.map(
    (line, index) => `${index === 0 ? '' : '  '}${line}${index === lines.length - 1 ? '' : ' \\'}`,
  )
}
