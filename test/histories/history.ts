import type { Debian } from '../../lab/index.ts'
import type { StepName } from '../../src/volumes/step.ts'

/** Kills the command: at one of its steps, or this many milliseconds after its start. */
export type Death =
  | { readonly step: StepName; readonly moment: 'before' | 'after' }
  | { readonly afterMs: number }

/** How a LUN number gets another volume: while the session is logged in, or while the target does not answer. */
export type Moment = 'live' | 'outage'

/** The same parameters for each of these kinds. */
export type Each<K extends string, Parameters = unknown> = K extends string
  ? { readonly kind: K } & Parameters
  : never

/** One operation or fault, with everything that was chosen at random. */
export type Operation =
  // what a user does
  | {
      readonly kind: 'attach'
      readonly volume: string
      readonly hold: string
      readonly serial: boolean
      readonly cli: boolean
      readonly death?: Death
    }
  | {
      readonly kind: 'detach'
      readonly volume: string
      readonly force: boolean
      readonly cli: boolean
      readonly death?: Death
    }
  | { readonly kind: 'hold'; readonly volume: string; readonly hold: string }
  | { readonly kind: 'give-up'; readonly volume: string }
  | { readonly kind: 'expand'; readonly volume: string; readonly bytes: number; readonly death?: Death }
  | {
      readonly kind: 'write'
      readonly volume: string
      readonly blocks: readonly number[]
      /** `sync`: each write is followed by fsync; `dirty`: none is. */
      readonly how: 'sync' | 'dirty'
    }
  | { readonly kind: 'read'; readonly volume: string; readonly blocks: readonly number[] }
  | { readonly kind: 'wait'; readonly ms: number }
  // what happens to the targets
  | Each<'target-down' | 'target-up' | 'target-restart', { readonly target: string }>
  | Each<'portal-down' | 'portal-up', { readonly target: string; readonly portal: number }>
  | { readonly kind: 'unmap'; readonly volume: string; readonly moment: Moment }
  | {
      readonly kind: 'map'
      readonly volume: string
      readonly target: string
      readonly lun: number
      readonly moment: Moment
    }
  /** Two volumes change places; if the other one is not mapped anywhere, it takes the place of the first. */
  | { readonly kind: 'swap'; readonly volume: string; readonly with: string; readonly moment: Moment }
  | { readonly kind: 'move'; readonly volume: string; readonly lun: number; readonly moment: Moment }
  | Each<'store-full' | 'store-free'>
  // what happens to the node
  | { readonly kind: 'logout'; readonly target: string }
  | Each<'delete-disk' | 'fail-path' | 'offline-disk' | 'rescan-disk', { readonly volume: string }>
  | Each<'agent-kill' | 'agent-stop' | 'agent-start'>
  | Each<'iscsid-kill' | 'iscsid-start'>
  | { readonly kind: 'clock'; readonly seconds: number }
  | Each<'run-full' | 'run-free'>

export type Kind = Operation['kind']

export interface History {
  readonly seed: number
  readonly debian: Debian
  readonly operations: readonly Operation[]
}

/** One line for logs. */
export function words({ kind, ...rest }: Operation): string {
  const parameters = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  )
  return [kind, ...parameters].join(' ')
}
