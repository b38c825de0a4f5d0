import { LunkeeperError } from '../model/errors.ts'
import type { StepName } from '../volumes/step.ts'
import type { Observer, OperationControl } from '../volumes/step.ts'

/** One step of an operation, when it begins and when it is done. */
export interface StepEvent {
  /** Name of the volume. */
  readonly volume: string
  /** Stable name of the step; {@link STEPS} lists them. */
  readonly step: StepName
  /** What the step changes: a disk, a map, a mount point, a portal. */
  readonly subject: string
  readonly state: 'begin' | 'done'
  /** Duration in milliseconds; null at the beginning. */
  readonly milliseconds: number | null
}

/** Options of every operation that changes the node. */
export interface OperationOptions {
  /**
   * Cancels the operation: it stops at the next wait and throws CANCELLED. A cancelled operation can be repeated; it
   * continues from the current state.
   *
   * @default none; the operation's own time limits apply
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Called when a step begins and when it is done. The operation waits for a returned promise, and an error that is
   * thrown here makes the operation fail.
   *
   * @default none
   */
  readonly onStep?: ((event: StepEvent) => void | Promise<void>) | undefined
  /**
   * Called for each warning, with a sentence for the user.
   *
   * @default none; warnings are dropped
   */
  readonly onWarning?: WarningHandler | undefined
}

/**
 * Receives a sentence for the user.
 *
 * @param volume name of the volume; null if the warning is not about a volume with a name
 */
export type WarningHandler = (message: string, volume: string | null) => void

export const OPERATION_KEYS = { signal: 'signal', onStep: 'function', onWarning: 'function' } as const

/** The options of an operation, as the engine takes them. */
export function engineOptions({
  signal,
  onStep,
  onWarning,
}: OperationOptions): OperationControl & { readonly observer: Observer } {
  const tell = (state: StepEvent['state']): NonNullable<Observer['end']> =>
    async function (volume, step, subject, milliseconds) {
      await onStep?.({ volume, step, subject, state, milliseconds: milliseconds ?? null })
    }
  const begin = tell('begin') as NonNullable<Observer['begin']>
  return {
    observer: {
      ...(onStep ? { begin, end: tell('done') } : {}),
      warn: (volume, message) => onWarning?.(message, volume),
    },
    ...(signal ? { signal } : {}),
  }
}

type Kind = 'string' | 'strings' | 'boolean' | 'number' | 'object' | 'date' | 'function' | 'signal'

const IS_KIND: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  strings: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
  boolean: (value) => typeof value === 'boolean',
  number: (value) => typeof value === 'number',
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  date: (value) => value instanceof Date && !Number.isNaN(value.getTime()),
  function: (value) => typeof value === 'function',
  signal: (value) => value instanceof AbortSignal,
}

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  string: 'a string',
  strings: 'an array of strings',
  boolean: 'true or false',
  number: 'a number',
  object: 'an object',
  date: 'a valid Date',
  function: 'a function',
  signal: 'an AbortSignal',
}

/** For each option, the kinds of value that it accepts; `undefined` is always accepted. */
export type OptionKinds = Readonly<Record<string, Kind | readonly Kind[]>>

/**
 * Refuses options that do not exist, which are typing mistakes that would otherwise silently change what happens to a
 * volume, and values of another type, which plain JavaScript and parsed JSON can contain.
 * @throws BAD_REQUEST
 */
export function checkOptions(operation: string, options: unknown, kinds: OptionKinds): void {
  if (!IS_KIND.object(options)) throw bad(`${operation} takes an object of options`)
  for (const [key, value] of Object.entries(options as object)) {
    const accepted = Object.hasOwn(kinds, key) ? [kinds[key]!].flat() : null
    if (!accepted)
      throw bad(`"${key}" is not an option of ${operation}`, `Options: ${Object.keys(kinds).join(', ')}.`)
    if (value !== undefined && !accepted.some((kind) => IS_KIND[kind](value)))
      throw bad(`${operation}: ${key} must be ${accepted.map((kind) => KIND_WORDS[kind]).join(' or ')}`)
  }
}

/** @throws BAD_REQUEST the argument is not a string, or empty */
export function checkText(operation: string, argument: string, value: unknown): void {
  if (typeof value !== 'string' || value === '')
    throw bad(`${operation}: ${argument} must be a string that is not empty`)
}

function bad(message: string, hint?: string): LunkeeperError {
  return new LunkeeperError('BAD_REQUEST', message, hint === undefined ? {} : { hint })
}
