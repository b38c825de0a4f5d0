import type { AnyCommand, Argument, Option } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'

/** A command line as seen by a shell's completion. */
export interface Words {
  readonly name: string
  readonly summary: string
  readonly argument: Argument | null
  readonly options: readonly Option[]
}

export const EVERYWHERE: readonly Option[] = [...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS]

export const VERSION: Option = { name: 'version', help: 'Print the version.' }

/** All commands with all their flags, including `help`. */
export function wordsOf(commands: readonly AnyCommand[]): readonly Words[] {
  const all = commands.map(({ name, summary, argument, options }) => ({
    name,
    summary,
    argument: argument ?? null,
    options: [...options, ...EVERYWHERE],
  }))
  const help: Argument = { name: 'COMMAND', required: false, choices: commands.map(({ name }) => name) }
  return [
    ...all,
    { name: 'help', summary: 'Show help for a command or an error', argument: help, options: [] },
  ]
}

/** The spellings of a flag. */
export function spellings({ name, short }: Option): string[] {
  return [`--${name}`, ...(short ? [`-${short}`] : [])]
}

/** The first part of a flag's help, for display beside it. */
export function firstSentence(text: string): string {
  return text.split(/(?<=[.:;]) /)[0]!.replace(/[.:;]$/, '')
}

/** Shell code that lists this node's volumes from the names of their records, without starting a program. */
export const RECORDS = '${LUNKEEPER_RECORDS:-/var/lib/lunkeeper}/volumes'
