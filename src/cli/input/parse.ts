import { Command as Commander, CommanderError, Option as CommanderOption } from 'commander'

import { LunkeeperError } from '../../model/errors.ts'
import type { AnyCommand, CommandInput, Option, Value } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'

export interface Globals {
  readonly json: boolean
  readonly verbose: boolean
  readonly config: string | null
  readonly records: string | null
  readonly runtime: string | null
  readonly hostRoot: string | null
}

export type Parsed =
  | { readonly kind: 'version' }
  /** `topic`: a command, an error code or a finding; null for the overview. */
  | { readonly kind: 'help'; readonly topic: string | null }
  | {
      readonly kind: 'run'
      readonly command: AnyCommand
      readonly argument: string | null
      readonly more: readonly string[]
      readonly options: CommandInput['options']
      readonly globals: Globals
    }

/** Parses a command line. The only code that uses commander. @throws USAGE */
export function parse(commands: readonly AnyCommand[], argv: readonly string[]): Parsed {
  let parsed: Parsed = { kind: 'help', topic: null }
  const program = bare('lunkeeper')
  const version = { name: 'version', help: '' }
  const everywhere = [...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS, version]
  const flags = new Set(
    [...everywhere, ...commands.flatMap(({ options }) => options)].map(({ name }) => `--${name}`),
  )
  for (const option of everywhere) addOption(program, option, flags)
  program
    .command('help [topic]')
    .action((topic?: string) => void (parsed = { kind: 'help', topic: topic ?? null }))
  for (const command of commands) {
    const sub = program.command(command.name)
    // Missing arguments are reported here, after --help was handled.
    if (command.argument) sub.argument(command.argument.repeated ? '[arguments...]' : '[argument]')
    for (const option of command.options) addOption(sub, option, flags)
    sub.action(() => {
      const all = program.opts<Record<string, unknown>>()
      parsed = all.help ? { kind: 'help', topic: command.name } : toRun(command, sub, all)
    })
  }
  if (argv.length === 0) return parsed
  try {
    program.parse(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.code !== 'commander.help')
      throw misused(
        error,
        commands.find(({ name }) => argv.includes(name)),
        flags,
      )
    const { version, help } = program.opts<Record<string, unknown>>()
    if (version) return { kind: 'version' }
    if (!help) throw new LunkeeperError('USAGE', 'no command given', { hint: seeHelp() })
  }
  return program.opts<{ version?: boolean }>().version ? { kind: 'version' } : parsed
}

function bare(name: string): Commander {
  return new Commander(name)
    .helpOption(false)
    .helpCommand(false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
}

/** @param known all flags: one of them is not a value, which was forgotten */
function addOption(
  to: Commander,
  { name, short, value, optional, repeated, choices }: Option,
  known: ReadonlySet<string>,
): void {
  const flags = `${short ? `-${short}, ` : ''}--${name}${value === undefined ? '' : optional ? ' [value]' : ' <value>'}`
  const option = new CommanderOption(flags)
  if (value !== undefined)
    option.argParser((text: string, before: unknown) => {
      if (text === '')
        throw new LunkeeperError('USAGE', `the value of --${name} is empty`, {
          hint: 'Leave the flag out, or give it a value.',
        })
      if (known.has(text))
        throw new LunkeeperError('USAGE', `--${name} requires a value`, {
          hint: `It is followed by ${text}.`,
        })
      if (choices && !choices.includes(text))
        throw new LunkeeperError('USAGE', `"${text}" is not a valid value of --${name}`, {
          hint: `Valid values: ${choices.join(', ')}.`,
        })
      if (repeated) return [...(Array.isArray(before) ? before : []), text]
      // Taking the last one silently might discard the intended one.
      if (before !== undefined)
        throw new LunkeeperError('USAGE', `--${name} was given twice`, { hint: 'Leave one of them out.' })
      return text
    })
  to.addOption(option)
}

function toRun(command: AnyCommand, sub: Commander, all: Record<string, unknown>): Parsed {
  const argument = sub.args[0] ?? null
  if (sub.args.includes(''))
    throw new LunkeeperError('USAGE', `${command.argument?.name} is empty`, { hint: seeHelp(command.name) })
  if (command.argument?.required && argument === null)
    throw new LunkeeperError('USAGE', `${command.name} requires ${command.argument.name}`, {
      hint: seeHelp(command.name),
    })
  const given = sub.opts<Record<string, Value>>()
  const options = Object.fromEntries(
    sub.options.flatMap((option) => {
      const value = given[option.attributeName()]
      return value === undefined ? [] : [[option.long!.slice(2), value]]
    }),
  )
  const { json, verbose } = all
  const value = (name: string) => (typeof all[name] === 'string' ? all[name] : null)
  const globals = {
    json: json === true,
    verbose: verbose === true,
    config: value('config'),
    records: value('records'),
    runtime: value('runtime'),
    hostRoot: value('hostRoot'),
  }
  return { kind: 'run', command, argument, more: sub.args.slice(1), options, globals }
}

/** Converts commander's error. A value after = is cut off: it may be a secret in a misspelled flag. */
function misused(
  { message }: CommanderError,
  command: AnyCommand | undefined,
  flags: ReadonlySet<string>,
): LunkeeperError {
  const [first = '', suggestion] = message.split('\n')
  const flag = /^error: unknown option '(--[\w-]+)=/.exec(first)?.[1]
  if (flag !== undefined && flags.has(flag) && !takesValue(flag, command))
    return new LunkeeperError('USAGE', `${flag} takes no value`, { hint: seeHelp(command?.name) })
  const what = first
    .replace(/^error: /, '')
    .replace(/(--?[\w-]+)=[^']*/, '$1')
    .replace(/^option '.*(--[\w-]+) <value>' argument missing$/, '$1 requires a value')
  const near = suggestion && /\((Did you mean .*)\)/.exec(suggestion)?.[1]
  return new LunkeeperError('USAGE', what, { hint: near || seeHelp(command?.name) })
}

/** Whether a flag takes a value for some other command only: then it is unknown to this one. */
function takesValue(flag: string, command: AnyCommand | undefined): boolean {
  const own: readonly Option[] = [
    ...GLOBAL_OPTIONS,
    CONFIG_OPTION,
    ...PLACE_OPTIONS,
    ...(command?.options ?? []),
  ]
  const option = own.find(({ name }) => `--${name}` === flag)
  return option === undefined || option.value !== undefined
}

function seeHelp(command?: string): string {
  return `See \`lunkeeper ${command ? `${command} ` : ''}--help\`.`
}
