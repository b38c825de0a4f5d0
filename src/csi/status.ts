import { Code, ConnectError } from '@connectrpc/connect'

import type { ErrorCode } from '../model/errors.ts'
import { LunkeeperError } from '../model/errors.ts'
import { volumeNameOf } from './volume/name.ts'

/**
 * The gRPC status for each error. To a kubelet, Unavailable, DeadlineExceeded, Aborted and ResourceExhausted mean
 * that something may have been done, so it calls Unstage; any other status means that nothing was done (kubernetes:
 * csi_client.go, isFinalError).
 */
export const STATUS: Readonly<Record<ErrorCode, Code>> = {
  USAGE: Code.InvalidArgument,
  BAD_IQN: Code.InvalidArgument,
  BAD_PORTAL: Code.InvalidArgument,
  BAD_LUN: Code.InvalidArgument,
  BAD_WWID: Code.InvalidArgument,
  BAD_NAME: Code.InvalidArgument,
  BAD_HOLD: Code.InvalidArgument,
  BAD_MOUNT: Code.InvalidArgument,
  BAD_CHAP: Code.InvalidArgument,
  BAD_CONFIG: Code.InvalidArgument,
  BAD_REQUEST: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  CONFLICT: Code.FailedPrecondition,
  ATTACHED_ALREADY: Code.FailedPrecondition,
  OWNED_ELSEWHERE: Code.FailedPrecondition,
  FENCED: Code.FailedPrecondition,
  OWNER_UNKNOWN: Code.Unavailable,
  LOCKED: Code.Aborted,
  BUSY: Code.FailedPrecondition,
  PORTAL_UNREACHABLE: Code.Unavailable,
  PORTAL_REFUSED: Code.Unavailable,
  PORTAL_SILENT: Code.Unavailable,
  TARGET_NOT_FOUND: Code.NotFound,
  TARGET_AWAY: Code.Unavailable,
  CHAP_FAILED: Code.Unauthenticated,
  LOGIN_FAILED: Code.Unavailable,
  LUN_ABSENT: Code.NotFound,
  DISK_MISSING: Code.Internal,
  IDENTITY_MISMATCH: Code.FailedPrecondition,
  IDENTITY_UNREADABLE: Code.Unavailable,
  PROOF_EXPIRED: Code.Unavailable,
  STALE_DISK: Code.FailedPrecondition,
  NOT_BLANK: Code.FailedPrecondition,
  NO_FILESYSTEM: Code.FailedPrecondition,
  FS_MISMATCH: Code.FailedPrecondition,
  FS_DAMAGED: Code.FailedPrecondition,
  WRITE_PROTECTED: Code.FailedPrecondition,
  MOUNT_FAILED: Code.Internal,
  UNMOUNT_FAILED: Code.Internal,
  MAP_FAILED: Code.Internal,
  FLUSH_FAILED: Code.Unavailable,
  SHRUNK: Code.OutOfRange,
  RESIZE_FAILED: Code.Internal,
  ISCSID_DOWN: Code.FailedPrecondition,
  DATABASE_FAILED: Code.Internal,
  PROGRAM_MISSING: Code.FailedPrecondition,
  MODULE_MISSING: Code.FailedPrecondition,
  LOG_UNREADABLE: Code.Internal,
  OUTPUT_UNWRITABLE: Code.Internal,
  NO_PERMISSION: Code.Internal,
  NO_SPACE: Code.ResourceExhausted,
  RECORD_UNWRITABLE: Code.Internal,
  RECORD_CORRUPT: Code.Internal,
  RECORD_NEWER: Code.Internal,
  STUCK: Code.DeadlineExceeded,
  TIMEOUT: Code.DeadlineExceeded,
  LEFT_BEHIND: Code.Internal,
  CANCELLED: Code.Unavailable,
  DRILL_FAILED: Code.Internal,
  INTERNAL: Code.Internal,
}

/** Statuses after which a kubelet assumes that something may have been done on the node. */
const UNCERTAIN = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.Aborted, Code.ResourceExhausted])

/** @param status if the CSI specification requires a status other than the one in {@link STATUS} */
export function grpcError(code: ErrorCode, message: string, status: Code = STATUS[code]): ConnectError {
  return new ConnectError(`${code}: ${message}`, status)
}

/** Where a user of kubectl runs a lunkeeper command. */
const WHERE = "in the agent's container on this node (kubectl exec POD -c agent -- …)"

/** Hints for users of a cluster, in place of hints that name a command-line flag. */
const HINTS: Partial<Record<ErrorCode, (name: string) => string>> = {
  BUSY: () => 'Unmount that first.',
  FLUSH_FAILED: () =>
    'The call is retried. If data is known to be lost, the next attempt detaches the volume: compare it with a backup.',
  OWNED_ELSEWHERE: () =>
    'Where Kubernetes attaches volumes (attachRequired: true), it is taken over as soon as the Kubernetes API says that this node has it. Otherwise delete the pod on the other node.',
  FENCED: () =>
    'Delete the pods that use it on this node; it is then detached, and its unwritten data is discarded.',
  IDENTITY_MISMATCH: (name) =>
    `Delete the pods that use it, and map the right volume at this LUN again; or discard the unwritten data by running this ${WHERE}: lunkeeper detach ${name} --force`,
}

/** A lunkeeper command in a hint. */
const OWN_COMMAND = /`lunkeeper [^`]+`/

function hintOf({ code, hint }: LunkeeperError, volumeId: string | null): string {
  if (!/--(?:force|take-over|shared)\b/.test(hint)) return hint.replace(OWN_COMMAND, `$& ${WHERE}`)
  const name = volumeId ? volumeNameOf(volumeId) : 'NAME'
  return (
    HINTS[code]?.(name) ??
    `Wait until the target is back; or discard the unwritten data by running this ${WHERE}: lunkeeper hold ${name} --give-up`
  )
}

/**
 * Converts any error to the status for the caller: our code, what happened, and what to do. Causes are only logged.
 * @param volumeId the volume that the call was about
 */
export function toStatus(error: unknown, volumeId: string | null = null): ConnectError {
  if (error instanceof ConnectError) return error
  if (!(error instanceof LunkeeperError))
    return grpcError('INTERNAL', "a bug in Lunkeeper; see the agent's log")
  return grpcError(error.code, `${error.message}. ${hintOf(error, volumeId)}`)
}

/** Like {@link toStatus}, but never a final error: something is left on this node, and the kubelet must call Unstage. */
export function toUncertainStatus(error: unknown, volumeId: string): ConnectError {
  const status = toStatus(error, volumeId)
  return UNCERTAIN.has(status.code) ? status : new ConnectError(status.rawMessage, Code.Unavailable)
}
