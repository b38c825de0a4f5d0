import type { Argument, Completed, CompletionKind, Option } from '../command.ts'
import type { CommandLine } from './command-line.ts'
import { COMMON_OPTIONS, firstSentence, RECORDS_DIRECTORY, spellings, VERSION } from './command-line.ts'

export function zshCompletion(commands: readonly CommandLine[]): string {
  return `#compdef lunkeeper
# lunkeeper completion for zsh: source <(lunkeeper completion zsh)
_lunkeeper_volumes() {
  local -a names
  names=("${RECORDS_DIRECTORY}"/*.json(N:t:r))
  compadd -a names
}

_lunkeeper() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${[...COMMON_OPTIONS, VERSION].map((option) => `    ${spec(option)} \\\n`).join('')}    '1: :->command' \\
    '*:: :->rest'
  case $state in
    command)
      local -a commands
      commands=(
${commands.map(({ name, summary }) => `        ${quote(`${name}:${summary}`)}\n`).join('')}      )
      _describe command commands
      ;;
    rest)
      case $line[1] in
${commands.map(commandCase).join('')}      esac
      ;;
  esac
}
if [[ $funcstack[1] == _lunkeeper ]]; then _lunkeeper "$@"; else compdef _lunkeeper lunkeeper; fi
`
}

function commandCase({ name, argument, options }: CommandLine): string {
  const specs = options.map(spec)
  if (argument)
    specs.push(`'1:${argument.name.toLowerCase().replaceAll('|', ' or ')}:${argumentAction(argument)}'`)
  return `        ${name})
          _arguments${specs.map((text) => ` \\\n            ${text}`).join('')}
          ;;
`
}

function spec(option: Option): string {
  const { value, optional, repeated, help } = option
  const flags = spellings(option)
  const meaning = `[${escape(firstSentence(help))}]`
  const takes =
    value === undefined ? '' : `:${optional ? ':' : ''}${escape(value.toLowerCase())}:${action(option)}`
  if (flags.length === 1) return quote(`${repeated ? '*' : ''}${flags[0]}${meaning}${takes}`)
  return `'(${flags.join(' ')})'{${flags.join(',')}}${quote(`${meaning}${takes}`)}`
}

/** Escapes brackets and colons, which are syntax in a spec. */
function escape(text: string): string {
  return text.replace(/[[\]:]/g, '\\$&')
}

function argumentAction(argument: Argument): string {
  if (argument.name.includes('MOUNTPOINT')) return '{ _lunkeeper_volumes; _files }'
  return action(argument)
}

const ACTIONS: Readonly<Record<CompletionKind, string>> = {
  file: '_files',
  directory: '_files -/',
  volume: '_lunkeeper_volumes',
}

function action({ choices, completes }: Completed): string {
  if (choices) return `(${choices.join(' ')})`
  return completes ? ACTIONS[completes] : ' '
}

function quote(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`
}
