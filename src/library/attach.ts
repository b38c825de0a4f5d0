import type { Host } from '../host/host.ts'
import type { VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import type { VolumeRequest } from '../model/request.ts'
import type { AttachControl as EngineOptions } from '../volumes/attach/attach.ts'
import { attach as attachRequest } from '../volumes/attach/attach.ts'
import type { ChapOptions } from './chap.ts'
import { chapFrom } from './chap.ts'
import type { HostFirst } from './host.ts'
import { onHost } from './host.ts'
import type { OperationOptions } from './options.ts'
import { checkOptions, engineOptions, OPERATION_KEYS } from './options.ts'
import type { VolumeOptions } from './volume-request.ts'
import { volumeRequest } from './volume-request.ts'

/** Options of {@link attach}. Only `portal`, `iqn` and `lun` are required. */
export interface AttachOptions extends VolumeOptions, OperationOptions {
  /**
   * Names and secrets for CHAP. They are not recorded: an attach after a reboot needs them again.
   *
   * @default none
   */
  readonly chap?: ChapOptions | undefined
  /**
   * Take the volume from the node that has it now. That node can no longer write; data that it has not written yet is
   * lost. For a node that is dead, or cut off permanently.
   *
   * @default false
   */
  readonly takeOver?: boolean | undefined
}

const KINDS = {
  portal: ['string', 'strings'],
  iqn: 'string',
  lun: ['number', 'string'],
  name: 'string',
  wwid: 'string',
  serial: 'string',
  hold: ['string', 'number'],
  holdMode: 'string',
  mount: 'string',
  fs: 'string',
  format: 'boolean',
  readOnly: 'boolean',
  mountOptions: 'strings',
  shared: 'boolean',
  chap: 'object',
  takeOver: 'boolean',
  ...OPERATION_KEYS,
} as const satisfies Record<keyof AttachOptions, unknown>

/**
 * Attaches one LUN to this node, and mounts it if `mount` is given: logs in, attaches exactly this LUN, verifies that it
 * is the expected volume, and uses it. Anything that exists already is verified and reused, so attaching again is safe.
 * If it fails, everything that this call created is removed. Requires root.
 *
 * @throws BAD_REQUEST BAD_IQN BAD_PORTAL BAD_LUN BAD_WWID BAD_NAME BAD_HOLD BAD_MOUNT BAD_CHAP an option is not valid;
 * nothing was changed
 * @throws NO_PERMISSION MODULE_MISSING ISCSID_DOWN PROGRAM_MISSING this node cannot attach volumes
 * @throws PORTAL_UNREACHABLE PORTAL_REFUSED PORTAL_SILENT TARGET_NOT_FOUND CHAP_FAILED LOGIN_FAILED LUN_ABSENT
 * DISK_MISSING the volume cannot be reached
 * @throws IDENTITY_MISMATCH IDENTITY_UNREADABLE ATTACHED_ALREADY CONFLICT another volume answers, or the volume is
 * attached in another way
 * @throws OWNED_ELSEWHERE OWNER_UNKNOWN another node has the volume, or that cannot be determined
 * @throws NOT_BLANK NO_FILESYSTEM FS_MISMATCH FS_DAMAGED WRITE_PROTECTED MOUNT_FAILED MAP_FAILED BUSY its contents or the
 * mount point cannot be used as requested
 * @throws LOCKED STUCK TIMEOUT CANCELLED another operation is in progress, a time limit passed, or `signal` was aborted
 */
export function attach(options: AttachOptions): Promise<VolumeStatus>
export function attach(host: Host, options: AttachOptions): Promise<VolumeStatus>
export function attach(...all: HostFirst<[options: AttachOptions]>): Promise<VolumeStatus> {
  return onHost(all, async (host, options) => {
    const { request, engine } = attachInput(options)
    return attachRequest(host, request, engine)
  })
}

/** The options, checked and parsed, as the engine takes them. @throws BAD_REQUEST and the codes of the parsers */
export function attachInput(options: AttachOptions): {
  readonly request: VolumeRequest
  readonly engine: EngineOptions
} {
  checkOptions('attach', options, KINDS)
  const missing = (['portal', 'iqn', 'lun'] as const).filter((name) => options[name] === undefined)
  if (missing.length > 0)
    throw new LunkeeperError('BAD_REQUEST', `attach requires ${missing.join(', ')}`, {
      hint: "For example: attach({ portal: '10.0.0.5', iqn: 'iqn.2024-01.example:db', lun: 0 }).",
    })
  const { chap, takeOver: takesOver = false } = options
  return {
    request: volumeRequest(options),
    engine: { ...engineOptions(options), ...(chap ? { chap: chapFrom(chap) } : {}), takesOver },
  }
}
