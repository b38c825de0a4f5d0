import type { Host } from '../host/host.ts'
import type { Observer } from '../volumes/step.ts'
import type { Config } from './input/config-file.ts'
import type { Look } from './output/look.ts'

/** What a shell may offer at a place: files, directories, names of volumes. */
export type Completes = 'file' | 'directory' | 'volume'

/** A flag as data: the parser, the help, the completion and the volume file are all made from it. */
export interface Option {
  /** Its long name, without the dashes. */
  readonly name: string
  readonly short?: string
  /** What its value is called in the help; a flag without one is a switch. */
  readonly value?: string
  /** May be given several times. */
  readonly repeated?: true
  readonly choices?: readonly string[]
  readonly completes?: Completes
  /** Unit and default included, in words. */
  readonly help: string
  /** The heading that it stands under in the help; Options unless told. */
  readonly section?: string
}

export interface Argument {
  /** As the help shows it: NAME, NAME|MOUNTPOINT|DEVICE. */
  readonly name: string
  readonly required: boolean
  /** May be given several times. */
  readonly repeated?: true
  readonly choices?: readonly string[]
  readonly completes?: Completes
}

/** What the parser leaves of a flag. */
export type Value = string | readonly string[] | boolean

type ValueOf<O extends Option> = string extends O['name']
  ? Value
  : O extends { repeated: true }
    ? readonly string[]
    : O extends { value: string }
      ? string
      : boolean

/** The values of a command's flags; those that were not given are absent. */
export type Values<Options extends readonly Option[]> = {
  readonly [O in Options[number] as O['name']]?: ValueOf<O>
}

export interface Input<Options extends readonly Option[] = readonly Option[]> {
  /** The first one. */
  readonly argument: string | null
  /** Those after it, of a command whose argument may be repeated. */
  readonly more?: readonly string[]
  readonly options: Values<Options>
}

/** What an operation that changes the machine is told to heed and to tell. */
export interface Told {
  readonly observer: Observer
  readonly signal: AbortSignal
}

/** What a command may do besides computing its result. */
export interface Context {
  /** Opened at first use, closed when the command ends. */
  host(): Promise<Host>
  /** What holds for this node where no flag says otherwise; read at first use. @throws BAD_CONFIG */
  config(): Promise<Config>
  /** Reads it again; the next `host()` is made by it. @throws BAD_CONFIG, and all is as before */
  reload(): Promise<void>
  /** Runs something that takes long: with its progress shown, and stopped in an orderly way on a signal. */
  operate<T>(work: (told: Told) => Promise<T>): Promise<T>
  /** A line for the person, on stderr. */
  warn(message: string): void
  /** A line of a service's log, on stderr. */
  say(message: string): void
  /** What commands there are. */
  readonly commands: readonly AnyCommand[]
}

export interface Example {
  readonly command: string
  readonly does: string
}

/** A group of commands in the top-level help. */
export type Group = 'change' | 'look' | 'shell'

export interface Command<Options extends readonly Option[] = readonly Option[], Data = unknown> {
  readonly name: string
  readonly group: Group
  /** One line, for the list of commands. */
  readonly summary: string
  /** What it does and promises: a few sentences. */
  readonly about: string
  /** What follows its name, once for each way to call it. */
  readonly usage: readonly string[]
  readonly argument?: Argument
  readonly options: Options
  readonly examples: readonly Example[]
  /** Checks its input, does its work, returns the result. Prints nothing. */
  run(context: Context, input: Input<Options>): Data | Promise<Data>
  /** Its text is a document for a program (a script, YAML), and printed as it is. */
  readonly isDocument?: true
  /** The result for people, made of data whose texts are printable; `--json` prints the data as they are. */
  text(data: Data, look: Look): string
  /** The exit status that the result means; 0 unless told. */
  exit?(data: Data): number
}

/** A command whose flags and result are known by nobody but itself. */
export type AnyCommand = Command

/** Keeps the names and kinds of the flags in the type, so that `run` reads them without casts. */
export function command<const Options extends readonly Option[], Data>(
  definition: Command<Options, Data>,
): Command<Options, Data> {
  return definition
}
