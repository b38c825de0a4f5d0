/**
 * Lunkeeper as a library: the operations of the command line as functions.
 *
 * ```ts
 * import { attach, detach } from 'lunkeeper'
 *
 * const { name } = await attach({ portal: '10.9.0.1', iqn: 'iqn.2026-11.example:san', lun: 17, mount: '/mnt/orders' })
 * await detach(name)
 * ```
 *
 * Every operation takes a {@link Host} as its first argument, or opens one for the call. A failure is a
 * {@link LunkeeperError} with a stable code.
 */

// Operations that change the node
export { attach } from './library/attach.ts'
export type { AttachOptions } from './library/attach.ts'
export { detach } from './library/detach.ts'
export type { DetachOptions } from './library/detach.ts'
export { expand } from './library/expand.ts'
export type { ExpandReport } from './volumes/expand.ts'
export { giveUp, hold, setHold } from './library/hold.ts'

// Operations that change nothing
export { doctor, history, owner, sessions, volume, volumes } from './library/look.ts'
export type { DoctorOptions, HistoryOptions, VolumesOptions } from './library/look.ts'
export { explain } from './library/explain.ts'
export type { ExplainOptions } from './library/explain.ts'

// The host
export { openHost } from './library/host.ts'
export type { HostOptions } from './library/host.ts'
export type { Host, Places } from './host/host.ts'
export { PLACES } from './host/host.ts'

// Options
export type { ChapCredentials, ChapOptions } from './library/chap.ts'
export type { OperationOptions, StepEvent, WarningHandler } from './library/options.ts'
export type { VolumeOptions } from './library/volume-request.ts'
export { parseChap, Secret } from './model/secret.ts'
export type { Chap } from './model/secret.ts'
export { STEPS } from './volumes/step.ts'
export type { StepName } from './volumes/step.ts'

// Results
export type { DirtyData } from './model/bytes.ts'
export type {
  AttachmentState,
  DetachReport,
  HoldStatus,
  OwnerReport,
  OwnerStatus,
  PathStatus,
  SessionStatus,
  VolumeStatus,
} from './model/attachment.ts'
export type { HistoryReport } from './state/view/history.ts'
export type { OutageCount, PastOutage, VolumeHistory } from './model/history-summary.ts'
export type { Actor, Happening, HistoryEvent } from './model/history.ts'
export type { Diagnosis, Finding, Repair, Severity } from './doctor/finding.ts'
export type { FindingCode } from './doctor/codes.ts'
export type {
  Cause,
  Explanation,
  FileSystemFailure,
  FileSystemFailureKind,
  LogInput,
  LossDetection,
  Outage,
  Prevention,
  SessionOutages,
  SharedFailure,
  Span,
  UnreadLine,
  WhichBoot,
} from './explain/report.ts'
export type { CauseKind } from './explain/cause-kind.ts'

// Errors
export { ERRORS, isLunkeeperError, LunkeeperError } from './model/errors.ts'
export type { ErrorCode, ExitStatus } from './model/errors.ts'

// Parsers of single values, which the operations use themselves
export { DEFAULT_HOLD, parseHold } from './model/hold.ts'
export type { Hold, HoldMode } from './model/hold.ts'
export { parseIqn } from './model/iqn.ts'
export type { Iqn } from './model/iqn.ts'
export { parseLun } from './model/lun.ts'
export type { Lun } from './model/lun.ts'
export { parseName } from './model/name.ts'
export type { VolumeName } from './model/name.ts'
export { formatPortal, parsePortal } from './model/portal.ts'
export type { Portal } from './model/portal.ts'
export { parseWwid } from './model/wwid.ts'
export type { Wwid } from './model/wwid.ts'
export type { FileSystem } from './model/request.ts'
