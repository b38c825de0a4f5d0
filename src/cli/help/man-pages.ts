import { FINDINGS } from '../../doctor/codes.ts'
import { ERRORS } from '../../model/errors.ts'
import type { AnyCommand, Option } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'
import { CONFIG_OPTIONS } from '../input/config-file.ts'
import { EXIT_STATUS } from './command.ts'
import { optionEntry } from './option-entry.ts'
import { FIRST_EXAMPLES, PURPOSE } from './overview.ts'
import { entry, example, heading, inline, paragraph, plain, subheading, title } from './roff.ts'

/** Sections of the manual, see man(1): file formats, and system administration. */
const FILES_SECTION = 5
const ADMIN_SECTION = 8

const CONFIG_PAGE = 'lunkeeper.yaml'

/**
 * The manual pages, from the same data as `--help`.
 * @param version version of the program, for the footer of each page
 * @returns the pages by file name
 */
export function manPages(commands: readonly AnyCommand[], version: string): Readonly<Record<string, string>> {
  const source = `lunkeeper ${version}`
  return Object.fromEntries([
    [`lunkeeper.${ADMIN_SECTION}`, overviewPage(commands, source)],
    ...commands.map((command) => [
      `lunkeeper-${command.name}.${ADMIN_SECTION}`,
      commandPage(command, source),
    ]),
    [`${CONFIG_PAGE}.${FILES_SECTION}`, configPage(source)],
  ])
}

function overviewPage(commands: readonly AnyCommand[], source: string): string {
  return [
    title('lunkeeper', ADMIN_SECTION, source),
    heading('NAME'),
    plain('lunkeeper - attach iSCSI volumes, hold their I/O while the target is away, detach them'),
    heading('SYNOPSIS'),
    `.B lunkeeper\n${inline('COMMAND [OPTIONS]')}\n`,
    heading('DESCRIPTION'),
    plain(PURPOSE),
    heading('COMMANDS'),
    ...commands.map(({ name, summary }) => entry(`lunkeeper-${name}(${ADMIN_SECTION})`, `${summary}.`)),
    heading('OPTIONS'),
    plain('All commands have these options.'),
    options([...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS]),
    entry('--version', 'Print the version.'),
    heading('EXAMPLES'),
    ...FIRST_EXAMPLES.map(({ does, command }) => example(does, command)),
    heading('EXIT STATUS'),
    plain(EXIT_STATUS),
    heading('ERRORS'),
    ...Object.entries(ERRORS).map(([code, { exit, meaning, remedy }]) =>
      entry(code, `${meaning} Exit status ${exit}.`, remedy),
    ),
    heading('FILES'),
    entry('/etc/lunkeeper/config.yaml', `The configuration of this node: ${CONFIG_PAGE}(${FILES_SECTION}).`),
    entry('/var/lib/lunkeeper', 'Records of volumes: the request, and the identity that was learned.'),
    entry('/run/lunkeeper', 'Locks, sockets and notes; removed at reboot.'),
    heading('SEE ALSO'),
    plain(`iscsid(8), iscsiadm(8), multipathd(8), ${CONFIG_PAGE}(${FILES_SECTION})`),
  ].join('')
}

function commandPage(command: AnyCommand, source: string): string {
  const { name, summary, about, usage, examples } = command
  const sections = [...new Set(command.options.map(({ section = 'Options' }) => section))]
  return [
    title(`lunkeeper-${name}`, ADMIN_SECTION, source),
    heading('NAME'),
    plain(`lunkeeper-${name} - ${summary}`),
    heading('SYNOPSIS'),
    ...usage.map((way, index) => `${index > 0 ? '.br\n' : ''}.B lunkeeper ${name}\n${inline(way)}\n`),
    heading('DESCRIPTION'),
    plain(about),
    heading('OPTIONS'),
    ...sections.flatMap((section) => [
      ...(section === 'Options' ? [] : [subheading(section)]),
      options(command.options.filter((option) => (option.section ?? 'Options') === section)),
    ]),
    ...(sections.length > 0 ? [subheading('Global options')] : []),
    options(GLOBAL_OPTIONS),
    heading('EXAMPLES'),
    ...examples.map(({ does, command: words }) => example(does, words)),
    ...(name === 'doctor' ? findings() : []),
    heading('EXIT STATUS'),
    plain(EXIT_STATUS),
    heading('SEE ALSO'),
    plain(`lunkeeper(${ADMIN_SECTION}), ${CONFIG_PAGE}(${FILES_SECTION})`),
  ].join('')
}

const findings = (): readonly string[] => [
  heading('FINDINGS'),
  ...Object.entries(FINDINGS).map(([code, { meaning, remedy }]) => entry(code, meaning, remedy)),
]

function configPage(source: string): string {
  return [
    title(CONFIG_PAGE, FILES_SECTION, source),
    heading('NAME'),
    plain(`${CONFIG_PAGE} - configuration of Lunkeeper on this node`),
    heading('SYNOPSIS'),
    plain('/etc/lunkeeper/config.yaml'),
    heading('DESCRIPTION'),
    plain(
      'YAML, one field per line. All fields are optional. Flags override environment variables, which override the file. An unknown field or an invalid value is an error that names the line (BAD_CONFIG). `systemctl reload lunkeeper` makes the agent reload the file.',
    ),
    heading('FIELDS'),
    ...CONFIG_OPTIONS.map((option) => entry(`${option.name}: ${fieldValue(option)}`, option.help)),
    heading('EXAMPLES'),
    paragraph('Hold I/O for half an hour, and serve metrics on this machine only:'),
    `.PP\n.RS 4\n.nf\n${inline('hold: 30m\nhttp: 127.0.0.1:9600')}\n.fi\n.RE\n`,
    heading('SEE ALSO'),
    plain(`lunkeeper(${ADMIN_SECTION}), lunkeeper-agent(${ADMIN_SECTION})`),
  ].join('')
}

const options = (list: readonly Option[]): string =>
  list.map((option) => entry(...optionEntry(option))).join('')

/** The form of a field's value: a flag without a value is true or false in the file. */
const fieldValue = ({ value }: Option): string => value ?? 'true|false'
