import type { Completed, CompletionKind, Option } from '../command.ts'
import type { CommandLine } from './command-line.ts'
import { COMMON_OPTIONS, RECORDS_DIRECTORY, spellings, VERSION } from './command-line.ts'

/** Requires bash only, not bash-completion. */
export function bashCompletion(commands: readonly CommandLine[]): string {
  const names = commands.map(({ name }) => name)
  return `# lunkeeper completion for bash: source <(lunkeeper completion bash)
_lunkeeper_volumes() {
  local file
  for file in "${RECORDS_DIRECTORY}"/*.json; do
    [[ -e $file ]] || continue
    file=\${file##*/}
    printf '%s\\n' "\${file%.json}"
  done
}

_lunkeeper_offer() {
  mapfile -t COMPREPLY < <("$@" -- "$cur")
}

_lunkeeper_files() {
  compopt -o filenames 2>/dev/null
  _lunkeeper_offer compgen "$1"
}

_lunkeeper() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.join(' | ')})
        command=\${COMP_WORDS[i]}
        break
        ;;
    esac
  done
  case $command,$prev in
${[
  ...valueCases('*', COMMON_OPTIONS),
  ...commands.flatMap(({ name, options }) =>
    valueCases(
      name,
      options.filter((option) => !COMMON_OPTIONS.includes(option)),
    ),
  ),
].join('')}  esac
  case $command,$cur in
${commands.map(({ name, options }) => `    ${name},-*) _lunkeeper_offer compgen -W '${flagsOf(options)}' ;;\n`).join('')}    ,-*) _lunkeeper_offer compgen -W '${flagsOf([...COMMON_OPTIONS, VERSION])}' ;;
    ,*) _lunkeeper_offer compgen -W '${names.join(' ')}' ;;
${commands.map(argumentCase).join('')}  esac
}
complete -F _lunkeeper lunkeeper
`
}

function flagsOf(options: readonly Option[]): string {
  return options.flatMap(spellings).join(' ')
}

/** The cases that complete the value of a flag. Flags with the same completion share a case. */
function valueCases(command: string, options: readonly Option[]): string[] {
  const valued = options.filter(({ value }) => value !== undefined)
  return [...Map.groupBy(valued, (option) => `${completionOf(option)}\n      ${ends(option)}`)].map(
    ([offered, alike]) => {
      const patterns = alike.flatMap(spellings).map((flag) => `${command},${flag}`)
      return `    ${patterns.join(' | ')})
      ${offered}
      ;;
`
    },
  )
}

/** If the value may be left out, another flag can follow instead. */
function ends({ optional }: Option): string {
  return optional ? '[[ $cur == -* ]] || return' : 'return'
}

function argumentCase({ name, argument }: CommandLine): string {
  if (!argument) return ''
  // The argument can also be a mount point or a device.
  const paths = argument.name.includes('MOUNTPOINT') ? `    ${name},/*) _lunkeeper_files -f ;;\n` : ''
  return `${paths}    ${name},*) ${completionOf(argument)} ;;\n`
}

const COMPLETIONS: Readonly<Record<CompletionKind, string>> = {
  file: '_lunkeeper_files -f',
  directory: '_lunkeeper_files -d',
  volume: `_lunkeeper_offer compgen -W "$(_lunkeeper_volumes)"`,
}

function completionOf({ choices, completes }: Completed): string {
  if (choices) return `_lunkeeper_offer compgen -W '${choices.join(' ')}'`
  return completes ? COMPLETIONS[completes] : ':'
}
