import type { Completes, Option } from '../command.ts'
import type { Words } from './words.ts'
import { EVERYWHERE, RECORDS, spellings, VERSION } from './words.ts'

/** Requires bash only, not bash-completion. */
export function bashCompletion(commands: readonly Words[]): string {
  const names = commands.map(({ name }) => name)
  return `# lunkeeper completion for bash: source <(lunkeeper completion bash)
_lunkeeper_volumes() {
  local file
  for file in "${RECORDS}"/*.json; do
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
  ...valueCases('*', EVERYWHERE),
  ...commands.flatMap(({ name, options }) =>
    valueCases(
      name,
      options.filter((option) => !EVERYWHERE.includes(option)),
    ),
  ),
].join('')}  esac
  case $command,$cur in
${commands.map(({ name, options }) => `    ${name},-*) _lunkeeper_offer compgen -W '${flagsOf(options)}' ;;\n`).join('')}    ,-*) _lunkeeper_offer compgen -W '${flagsOf([...EVERYWHERE, VERSION])}' ;;
    ,*) _lunkeeper_offer compgen -W '${names.join(' ')}' ;;
${commands.map(argumentCase).join('')}  esac
}
complete -F _lunkeeper lunkeeper
`
}

function flagsOf(options: readonly Option[]): string {
  return options.flatMap(spellings).join(' ')
}

/** What may follow a flag that takes a value; flags with the same completion share a case. */
function valueCases(command: string, options: readonly Option[]): string[] {
  const valued = options.filter(({ value }) => value !== undefined)
  return [...Map.groupBy(valued, (option) => `${offer(option)}\n      ${ends(option)}`)].map(
    ([offered, alike]) => {
      const patterns = alike.flatMap(spellings).map((flag) => `${command},${flag}`)
      return `    ${patterns.join(' | ')})
      ${offered}
      ;;
`
    },
  )
}

/** After a flag whose value may be left out, another flag may follow. */
function ends({ optional }: Option): string {
  return optional ? '[[ $cur == -* ]] || return' : 'return'
}

function argumentCase({ name, argument }: Words): string {
  if (!argument) return ''
  // A mount point or a device may be given instead of a volume's name.
  const paths = argument.name.includes('MOUNTPOINT') ? `    ${name},/*) _lunkeeper_files -f ;;\n` : ''
  return `${paths}    ${name},*) ${offer(argument)} ;;\n`
}

const OFFERS: Readonly<Record<Completes, string>> = {
  file: '_lunkeeper_files -f',
  directory: '_lunkeeper_files -d',
  volume: `_lunkeeper_offer compgen -W "$(_lunkeeper_volumes)"`,
}

function offer({ choices, completes }: { choices?: readonly string[]; completes?: Completes }): string {
  if (choices) return `_lunkeeper_offer compgen -W '${choices.join(' ')}'`
  return completes ? OFFERS[completes] : ':'
}
