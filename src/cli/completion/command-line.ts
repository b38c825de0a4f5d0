import type { AnyCommand, Argument, Option } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'

/** A command and its flags, for shell completion. */
export interface CommandLine {
  readonly name: string
  readonly summary: string
  readonly argument: Argument | null
  readonly options: readonly Option[]
}

/** The flags of every command. */
export const COMMON_OPTIONS: readonly Option[] = [...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS]

export const VERSION: Option = { name: 'version', help: 'Print the version.' }

/** All commands with all their flags, including `help`. */
export function commandLinesOf(commands: readonly AnyCommand[]): readonly CommandLine[] {
  const all = commands.map(({ name, summary, argument, options }) => ({
    name,
    summary,
    argument: argument ?? null,
    options: [...options, ...COMMON_OPTIONS],
  }))
  const help: Argument = { name: 'COMMAND', required: false, choices: commands.map(({ name }) => name) }
  return [
    ...all,
    { name: 'help', summary: 'Show help for a command or an error', argument: help, options: [] },
  ]
}

/** The long and the short spelling of a flag. */
export function spellings({ name, short }: Option): string[] {
  return [`--${name}`, ...(short ? [`-${short}`] : [])]
}

/** The first sentence or clause of a flag's help, which shells show beside the flag. */
export function firstSentence(text: string): string {
  return text.split(/(?<=[.:;]) /)[0]!.replace(/[.:;]$/, '')
}

/** Shell code: the directory of the volume records, whose file names are the names of the volumes. */
export const RECORDS_DIRECTORY = '${LUNKEEPER_RECORDS:-/var/lib/lunkeeper}/volumes'
