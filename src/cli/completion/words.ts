import type { AnyCommand, Argument, Option } from '../command.ts'
import { CONFIG_OPTION, GLOBAL_OPTIONS, PLACE_OPTIONS } from '../globals.ts'

/** A command line as a shell completes it. */
export interface Words {
  readonly name: string
  readonly summary: string
  readonly argument: Argument | null
  readonly options: readonly Option[]
}

export const EVERYWHERE: readonly Option[] = [...GLOBAL_OPTIONS, CONFIG_OPTION, ...PLACE_OPTIONS]

export const VERSION: Option = { name: 'version', help: 'Print the version.' }

/** All commands with all their flags, `help` included. */
export function wordsOf(commands: readonly AnyCommand[]): readonly Words[] {
  const all = commands.map(({ name, summary, argument, options }) => ({
    name,
    summary,
    argument: argument ?? null,
    options: [...options, ...EVERYWHERE],
  }))
  const help: Argument = { name: 'COMMAND', required: false, choices: commands.map(({ name }) => name) }
  return [...all, { name: 'help', summary: 'Explain a command or an error', argument: help, options: [] }]
}

/** The ways to write a flag. */
export function spellings({ name, short }: Option): string[] {
  return [`--${name}`, ...(short ? [`-${short}`] : [])]
}

/** As much of a flag's help as fits beside it. */
export function firstSentence(text: string): string {
  return text.split(/(?<=[.:;]) /)[0]!.replace(/[.:;]$/, '')
}

/** Shell text that lists the volumes of this node: their records' names, with no program started. */
export const RECORDS = '${LUNKEEPER_RECORDS:-/var/lib/lunkeeper}/volumes'
