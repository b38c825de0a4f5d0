import type { Host } from '../host/host.ts'
import type { OperationControl } from '../volumes/step.ts'
import type { Config } from './input/config-file.ts'
import type { Display } from './output/display.ts'

/** What a shell completes at this position. */
export type CompletionKind = 'file' | 'directory' | 'volume'

/** The possible values of a flag or an argument. */
export interface Completed {
  readonly choices?: readonly string[]
  readonly completes?: CompletionKind
}

/** A flag as data. The parser, the help, the completion and the volume file are all derived from it. */
export interface Option extends Completed {
  /** Long name, without the dashes. */
  readonly name: string
  readonly short?: string
  /** Name of the value in the help; a flag without one is a switch. */
  readonly value?: string
  /** Whether the value may be left out. */
  readonly optional?: true
  /** Whether the flag may be repeated. */
  readonly repeated?: true
  /** Description, including unit and default. */
  readonly help: string
  /** Heading in the help. @default Options */
  readonly section?: string
}

export interface Argument extends Completed {
  /** The name that the help shows: NAME, NAME|MOUNTPOINT|DEVICE. */
  readonly name: string
  readonly required: boolean
  /** Whether the argument may be repeated. */
  readonly repeated?: true
}

/** The parsed value of a flag. */
export type Value = string | readonly string[] | boolean

type ValueOf<O extends Option> = string extends O['name']
  ? Value
  : O extends { repeated: true }
    ? readonly string[]
    : O extends { optional: true }
      ? string | true
      : O extends { value: string }
        ? string
        : boolean

/** The values of a command's flags; flags that were not given are absent. */
export type Values<Options extends readonly Option[]> = {
  readonly [O in Options[number] as O['name']]?: ValueOf<O>
}

export interface CommandInput<Options extends readonly Option[] = readonly Option[]> {
  /** The first argument. */
  readonly argument: string | null
  /** Further arguments, for a command whose argument may be repeated. */
  readonly more?: readonly string[]
  readonly options: Values<Options>
}

/** What a command can use while it runs. */
export interface Context {
  /**
   * Opened on first use, closed when the command ends.
   * @param ignoresConfig with the default places if the configuration file cannot be used, and a warning
   * @throws BAD_CONFIG
   */
  host(options?: { readonly ignoresConfig?: boolean }): Promise<Host>
  /** Defaults of this node for flags that were not given; read on first use. @throws BAD_CONFIG */
  config(): Promise<Config>
  /**
   * Reads the configuration again; the next `host()` uses it.
   * @returns a function that puts the former configuration into effect again
   * @throws BAD_CONFIG; the former configuration stays in effect
   */
  reload(): Promise<() => void>
  /** Runs a long operation: shows its progress, and stops it before its next step on a signal. */
  operate<T>(work: (control: Required<OperationControl>) => Promise<T>): Promise<T>
  /** Prints a line for the user on stderr. */
  warn(message: string): void
  /** Prints a line of a service's log on stderr. */
  say(message: string): void
  /** Whether --json was given; for a command that prints while it runs. */
  readonly json: boolean
  /** All commands. */
  readonly commands: readonly AnyCommand[]
}

export interface Example {
  readonly command: string
  readonly does: string
}

/** A group of commands in the top-level help. */
export type Group = 'change' | 'read' | 'shell'

export interface Command<Options extends readonly Option[] = readonly Option[], Data = unknown> {
  readonly name: string
  readonly group: Group
  /** One line, for the list of commands. */
  readonly summary: string
  /** What the command does and guarantees, in a few sentences. */
  readonly about: string
  /** What follows the command's name, one entry per way to call it. */
  readonly usage: readonly string[]
  readonly argument?: Argument
  readonly options: Options
  readonly examples: readonly Example[]
  /** Checks its input, does its work, returns the result. Prints nothing. */
  run(context: Context, input: CommandInput<Options>): Data | Promise<Data>
  /** The command reads only the files that it is given, so it also works on systems other than Linux. */
  readonly anywhere?: true
  /** The command may print while it runs. If it does, its data is null, and nothing more is printed. */
  readonly isLive?: true
  /** The text is a document for a program (a script, YAML) and is printed unchanged. */
  readonly isDocument?: true
  /**
   * Formats the result for people. Unprintable characters in `data` were replaced; `--json` prints the original data.
   */
  text(data: Data, display: Display): string
  /** Exit status for this result. @default 0 */
  exit?(data: Data): number
}

/** A command whose flag and result types are erased. */
export type AnyCommand = Command

/** Keeps the flags' names and kinds in the type, so that `run` reads them without casts. */
export function command<const Options extends readonly Option[], Data>(
  definition: Command<Options, Data>,
): Command<Options, Data> {
  return definition
}
