import type { Argument, Completed, CompletionKind, Option } from '../command.ts'
import type { CommandLine } from './command-line.ts'
import { COMMON_OPTIONS, firstSentence, VERSION } from './command-line.ts'

export function fishCompletion(commands: readonly CommandLine[]): string {
  const lines = commands.flatMap(({ name, argument, options }) => {
    const here = `-n '__fish_seen_subcommand_from ${name}'`
    const own = options.filter((option) => !COMMON_OPTIONS.includes(option))
    return [...own.map((option) => flag(option, here)), ...(argument ? [positional(argument, here)] : [])]
  })
  return `# lunkeeper completion for fish: lunkeeper completion fish | source
function __lunkeeper_volumes
    set -l records /var/lib/lunkeeper
    set -q LUNKEEPER_RECORDS; and set records $LUNKEEPER_RECORDS
    for file in $records/volumes/*.json
        basename $file .json
    end
end

complete -c lunkeeper -f
${commands.map(({ name, summary }) => `complete -c lunkeeper -n __fish_use_subcommand -a ${name} -d ${quote(summary)}\n`).join('')}${[...COMMON_OPTIONS.map((option) => flag(option, '')), flag(VERSION, '-n __fish_use_subcommand'), ...lines].map((line) => `${line}\n`).join('')}`
}

function flag(option: Option, condition: string): string {
  const { name, short, value, optional, help } = option
  const parts = ['complete -c lunkeeper', condition, short ? `-s ${short}` : '', `-l ${name}`]
  // Without -r the value is optional, and fish completes it only after =.
  if (value !== undefined) parts.push(...(optional ? [] : ['-r']), completionOf(option))
  return [...parts, `-d ${quote(firstSentence(help))}`].filter(Boolean).join(' ')
}

function positional(argument: Argument, condition: string): string {
  const files = argument.name.includes('MOUNTPOINT') ? ' -F' : ''
  return `complete -c lunkeeper ${condition} ${completionOf(argument)}${files}`
}

const COMPLETIONS: Readonly<Record<CompletionKind, string>> = {
  file: '-F',
  directory: `-f -a '(__fish_complete_directories)'`,
  volume: `-a '(__lunkeeper_volumes)'`,
}

function completionOf({ choices, completes }: Completed): string {
  if (choices) return `-f -a '${choices.join(' ')}'`
  return completes ? COMPLETIONS[completes] : '-f'
}

function quote(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`
}
