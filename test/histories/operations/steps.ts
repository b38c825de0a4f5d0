import type { StepName } from '../../../src/volumes/step.ts'

/** Steps at which a command may be killed. One that is not reached kills nothing, and the command ends. */
export const ATTACH_STEPS = [
  'record',
  'note-login',
  'make-node-record',
  'login',
  'note-session',
  'scan',
  'drop-stale-disk',
  'learn-identity',
  'register',
  'reserve',
  'make-map',
  'plan-format',
  'format',
  'check',
  'make-mount-point',
  'protect-mount-point',
  'mount',
  'finish',
] as const satisfies readonly StepName[]

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
] as const satisfies readonly StepName[]

export const EXPAND_STEPS = ['rescan', 'resize-map', 'grow'] as const satisfies readonly StepName[]
