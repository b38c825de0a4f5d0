import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { COMMANDS } from '../../../src/cli/commands.ts'
import { project } from './packed.ts'

/** A command line of ours from the documentation, as users would type it. */
export interface Documented {
  readonly where: string
  readonly command: string
}

/** Every example of `--help`. */
export const EXAMPLES: readonly Documented[] = COMMANDS.flatMap(({ name, examples }) =>
  examples.map(({ command }) => ({ where: `${name} --help`, command })),
)

/** A prompt, if any, also in a list; programs that may come before ours. */
const OURS =
  /^ *(?:[#$] )?((?:npx )?lunkeeper [a-z-].*|(?:journalctl|kubectl)[^|]*\| *(?:npx )?lunkeeper .*)$/

/** Every command of ours in a code block of the documentation. */
export function documented(): readonly Documented[] {
  const pages = [
    'README.md',
    ...readdirSync(join(project, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ]
  return pages.flatMap((page) => commandsOf(page, readFileSync(join(project, page), 'utf8')))
}

export function commandsOf(page: string, text: string): readonly Documented[] {
  const blocks = [...text.matchAll(/^ *```(?:console|sh|bash|shell)?\n([^]*?)^ *```$/gm)]
  return blocks.flatMap(([, block = '']) =>
    block
      .replaceAll(/ *\\\n */g, ' ')
      .split('\n')
      .flatMap((line) => {
        const command = OURS.exec(line)?.[1]
          ?.replace(/\s+#.*$/, '')
          .trim()
        return command === undefined ? [] : [{ where: page, command }]
      }),
  )
}
