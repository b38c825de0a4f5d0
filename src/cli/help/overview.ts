import type { AnyCommand, Group } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'
import type { Look } from '../output/look.ts'
import { EXIT_STATUS } from './command.ts'
import { optionEntry } from './option-entry.ts'
import { page } from './page.ts'

const GROUPS: readonly (readonly [Group, string])[] = [
  ['change', 'Change something'],
  ['look', 'Look, and change nothing'],
  ['shell', 'The command line itself'],
]

/** What to type first. */
export const FIRST = [
  {
    command:
      'lunkeeper attach --portal 10.0.0.5 --iqn iqn.2024-01.example:db --lun 0 --mount /srv/db --format',
    does: 'bring one LUN to this node, make a file system if it is blank, mount it',
  },
  { command: 'lunkeeper volumes', does: 'what is here, and in what state' },
  { command: 'lunkeeper detach /srv/db', does: 'take it away again; nothing is left' },
]

export const PURPOSE =
  'Lunkeeper attaches iSCSI volumes to this node, keeps them read-write while their target is away, and detaches them leaving nothing behind.'

/** The first page that a person sees: what this is, what to type first, all there is. */
export function overview(commands: readonly AnyCommand[], look: Look): string {
  const places = [CONFIG_OPTION, ...PLACE_OPTIONS].map(optionEntry)
  const { paragraph, heading, entries, examples } = page(look, places)
  return [
    paragraph(PURPOSE),
    heading('First steps'),
    examples(FIRST),
    ...GROUPS.flatMap(([group, title]) => [
      heading(title),
      entries([
        ...commands
          .filter((command) => command.group === group)
          .map(({ name, summary }) => [name, summary] as const),
        ...(group === 'shell'
          ? [['help', 'Explain a command or an error: `lunkeeper help BUSY`'] as const]
          : []),
      ]),
    ]),
    heading('Every command'),
    entries([...GLOBAL_OPTIONS.map(optionEntry), ['--version', 'Print the version.']]),
    heading('Places'),
    entries(places),
    heading('Exit status'),
    paragraph(EXIT_STATUS),
  ].join('')
}
