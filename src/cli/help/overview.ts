import type { AnyCommand, Group } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'
import type { Display } from '../output/display.ts'
import { EXIT_STATUS } from './command.ts'
import { optionEntry } from './option-entry.ts'
import { helpPage } from './page.ts'

const GROUPS: readonly (readonly [Group, string])[] = [
  ['change', 'Change the node'],
  ['read', 'Read only'],
  ['shell', 'Command line'],
]

/** Commands to start with. */
export const FIRST_EXAMPLES = [
  {
    command:
      'lunkeeper attach --portal 10.0.0.5 --iqn iqn.2024-01.example:db --lun 0 --mount /srv/db --format',
    does: 'attach one LUN, create a file system if the LUN is blank, and mount it',
  },
  { command: 'lunkeeper volumes', does: 'list volumes and their state' },
  { command: 'lunkeeper detach /srv/db', does: 'detach it; nothing is left behind' },
]

export const PURPOSE =
  'Lunkeeper attaches iSCSI volumes to this node, keeps them read-write while their target is away, and detaches them without leaving anything behind.'

/** The first help page: the purpose of Lunkeeper, commands to start with, and all commands. */
export function overview(commands: readonly AnyCommand[], display: Display): string {
  const places = [CONFIG_OPTION, ...PLACE_OPTIONS].map(optionEntry)
  const { paragraph, heading, entries, examples } = helpPage(display, places)
  return [
    paragraph(PURPOSE),
    heading('Getting started'),
    examples(FIRST_EXAMPLES),
    ...GROUPS.flatMap(([group, title]) => [
      heading(title),
      entries([
        ...commands
          .filter((command) => command.group === group)
          .map(({ name, summary }) => [name, summary] as const),
        ...(group === 'shell'
          ? [['help', 'Explain a command or an error, for example `lunkeeper help BUSY`'] as const]
          : []),
      ]),
    ]),
    heading('Global options'),
    entries([...GLOBAL_OPTIONS.map(optionEntry), ['--version', 'Print the version.']]),
    heading('Files and directories'),
    entries(places),
    heading('Exit status'),
    paragraph(EXIT_STATUS),
  ].join('')
}
