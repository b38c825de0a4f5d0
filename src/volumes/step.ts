import type { VolumeName } from '../model/name.ts'

/** The steps of an attach, in their order; each of them may be left out. */
export const ATTACH_STEPS = [
  'record',
  'note-login',
  'make-node-record',
  'renew-secret',
  'login',
  'note-session',
  'set-timers',
  'scan',
  'drop-stale-disk',
  'learn-identity',
  'register',
  'reserve',
  'preempt',
  'make-map',
  'tell-multipathd',
  'plan-format',
  'format',
  'check',
  'make-mount-point',
  'protect-mount-point',
  'mount',
  'finish',
] as const

/** The steps of a detach. A failed attach is undone with the same steps. */
export const DETACH_STEPS = [
  'mark-detaching',
  'sync',
  'unmount',
  'flush',
  'remove-map',
  'release',
  'delete-disk',
  'logout',
  'remove-node-record',
  'forget-session',
  'unprotect-mount-point',
  'remove-mount-point',
  'forget',
] as const

export const EXPAND_STEPS = ['rescan', 'resize-map', 'grow'] as const

/**
 * The steps of attach, detach and expand, in order. A step is one change of the machine, with the same name in
 * logs, errors and crash tests. If the command is killed before, in or after any of them, run it again: it
 * continues from the state it finds.
 */
export const STEPS = [...ATTACH_STEPS, ...DETACH_STEPS, ...EXPAND_STEPS] as const

/** Name of a step: one of {@link STEPS}. */
export type StepName = (typeof STEPS)[number]

/** Called for every step of an operation; if it throws or waits, the operation does too. */
export interface Observer {
  begin?(volume: VolumeName, step: StepName, subject: string): void | Promise<void>
  end?(volume: VolumeName, step: StepName, subject: string, milliseconds: number): void | Promise<void>
  /** A warning for the user. */
  warn?(volume: VolumeName, message: string): void
}

/** Options of every operation: what observes its steps, and what cancels it. */
export interface OperationControl {
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

export interface Stepper {
  step<T>(name: StepName, subject: string, work: () => T | Promise<T>): Promise<T>
  warn(message: string): void
}

export function stepper(volume: VolumeName, observer: Observer): Stepper {
  return {
    async step(name, subject, work) {
      await observer.begin?.(volume, name, subject)
      const started = performance.now()
      const result = await work()
      await observer.end?.(volume, name, subject, performance.now() - started)
      return result
    },
    warn: (message) => observer.warn?.(volume, message),
  }
}
