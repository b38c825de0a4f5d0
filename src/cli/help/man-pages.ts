import { FINDINGS } from '../../doctor/codes.ts'
import { ERRORS } from '../../model/errors.ts'
import type { AnyCommand, Option } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'
import { CONFIG_OPTIONS } from '../input/config-file.ts'
import { EXIT_STATUS } from './command.ts'
import { optionEntry } from './option-entry.ts'
import { FIRST, PURPOSE } from './overview.ts'
import { entry, example, heading, inline, paragraph, plain, subheading, title } from './roff.ts'

/** Section of man(1): 8, system administration; 5, files. */
const FILES = 5
const ADMINISTRATION = 8

const CONFIG_PAGE = 'lunkeeper.yaml'

/**
 * The manual, made of the same data as `--help`.
 * @param version of the program, for the foot of each page
 * @returns the pages by the names of their files
 */
export function manPages(commands: readonly AnyCommand[], version: string): Readonly<Record<string, string>> {
  const source = `lunkeeper ${version}`
  return Object.fromEntries([
    [`lunkeeper.${ADMINISTRATION}`, overviewPage(commands, source)],
    ...commands.map((command) => [
      `lunkeeper-${command.name}.${ADMINISTRATION}`,
      commandPage(command, source),
    ]),
    [`${CONFIG_PAGE}.${FILES}`, configPage(source)],
  ])
}

function overviewPage(commands: readonly AnyCommand[], source: string): string {
  return [
    title('lunkeeper', ADMINISTRATION, source),
    heading('NAME'),
    plain('lunkeeper - attach iSCSI volumes, hold their I/O while the target is away, detach them'),
    heading('SYNOPSIS'),
    `.B lunkeeper\n${inline('COMMAND [OPTIONS]')}\n`,
    heading('DESCRIPTION'),
    plain(PURPOSE),
    heading('COMMANDS'),
    ...commands.map(({ name, summary }) => entry(`lunkeeper-${name}(${ADMINISTRATION})`, `${summary}.`)),
    heading('OPTIONS'),
    plain('Every command has these.'),
    options([...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS]),
    entry('--version', 'Print the version.'),
    heading('EXAMPLES'),
    ...FIRST.map(({ does, command }) => example(does, command)),
    heading('EXIT STATUS'),
    plain(EXIT_STATUS),
    heading('ERRORS'),
    ...Object.entries(ERRORS).map(([code, { exit, meaning, remedy }]) =>
      entry(code, `${meaning} Exit status ${exit}.`, remedy),
    ),
    heading('FILES'),
    entry('/etc/lunkeeper/config.yaml', `The configuration of this node: ${CONFIG_PAGE}(${FILES}).`),
    entry('/var/lib/lunkeeper', 'Records of volumes: what was asked for, and what was learned.'),
    entry('/run/lunkeeper', 'Locks, sockets and notes; gone with the boot.'),
    heading('SEE ALSO'),
    plain(`iscsid(8), iscsiadm(8), multipathd(8), ${CONFIG_PAGE}(${FILES})`),
  ].join('')
}

function commandPage(command: AnyCommand, source: string): string {
  const { name, summary, about, usage, examples } = command
  const sections = [...new Set(command.options.map(({ section = 'Options' }) => section))]
  return [
    title(`lunkeeper-${name}`, ADMINISTRATION, source),
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
    ...(sections.length > 0 ? [subheading('Every command')] : []),
    options(GLOBAL_OPTIONS),
    heading('EXAMPLES'),
    ...examples.map(({ does, command: words }) => example(does, words)),
    ...(name === 'doctor' ? findings() : []),
    heading('EXIT STATUS'),
    plain(EXIT_STATUS),
    heading('SEE ALSO'),
    plain(`lunkeeper(${ADMINISTRATION}), ${CONFIG_PAGE}(${FILES})`),
  ].join('')
}

const findings = (): readonly string[] => [
  heading('FINDINGS'),
  ...Object.entries(FINDINGS).map(([code, { meaning, remedy }]) => entry(code, meaning, remedy)),
]

function configPage(source: string): string {
  return [
    title(CONFIG_PAGE, FILES, source),
    heading('NAME'),
    plain(`${CONFIG_PAGE} - configuration of Lunkeeper on this node`),
    heading('SYNOPSIS'),
    plain('/etc/lunkeeper/config.yaml'),
    heading('DESCRIPTION'),
    plain(
      'YAML, one field a line. None is needed. Flags override environment variables, which override the file. A field that does not exist, or a value that makes no sense, is refused with its line (BAD_CONFIG). `systemctl reload lunkeeper` makes the agent read it again.',
    ),
    heading('FIELDS'),
    ...CONFIG_OPTIONS.map((option) => entry(`${option.name}: ${valueOf(option)}`, option.help)),
    heading('EXAMPLES'),
    paragraph('I/O waits for half an hour; metrics for Prometheus on this machine only:'),
    `.PP\n.RS 4\n.nf\n${inline('hold: 30m\nhttp: 127.0.0.1:9600')}\n.fi\n.RE\n`,
    heading('SEE ALSO'),
    plain(`lunkeeper(${ADMINISTRATION}), lunkeeper-agent(${ADMINISTRATION})`),
  ].join('')
}

const options = (list: readonly Option[]): string =>
  list.map((option) => entry(...optionEntry(option))).join('')

/** A switch is true or false in a file. */
const valueOf = ({ value }: Option): string => value ?? 'true|false'
