import { doctor as diagnoseNode } from '../doctor/doctor.ts'
import type { FindingCode } from '../doctor/codes.ts'
import type { Diagnosis } from '../doctor/finding.ts'
import { REPAIRABLE } from '../doctor/repair/plan.ts'
import type { Host } from '../host/host.ts'
import { requireRoot } from '../host/root.ts'
import type { OwnerReport, SessionStatus, VolumeStatus } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import { findRecord, listVolumes, oneVolume } from '../state/view/list.ts'
import type { HistoryReport } from '../state/view/history.ts'
import { historyReport } from '../state/view/history.ts'
import { ownerReport } from '../state/view/owner-report.ts'
import { listSessions } from '../state/view/sessions.ts'
import type { HostFirst } from './host.ts'
import { onHost } from './host.ts'
import type { OperationOptions, WarningHandler } from './options.ts'
import { checkOptions, checkText, engineOptions, OPERATION_KEYS } from './options.ts'

/** Options of {@link volumes}. */
export interface VolumesOptions {
  /**
   * Called for each record that cannot be parsed. Its volume is not in the result; {@link doctor} reports it as
   * RECORD_CORRUPT or RECORD_NEWER.
   *
   * @default none; these records are left out silently
   */
  readonly onWarning?: WarningHandler | undefined
}

/**
 * All volumes of this node in their current state, read from the kernel. Changes nothing.
 *
 * @throws BAD_REQUEST an option is not valid
 */
export function volumes(options?: VolumesOptions): Promise<VolumeStatus[]>
export function volumes(host: Host, options?: VolumesOptions): Promise<VolumeStatus[]>
export function volumes(...all: HostFirst<[options?: VolumesOptions | undefined]>): Promise<VolumeStatus[]> {
  return onHost(all, async (host, options = {}) => {
    checkOptions('volumes', options, { onWarning: 'function' })
    const listed = await listVolumes(host)
    for (const { reason } of listed.corrupt) options.onWarning?.(reason, null)
    return listed.volumes
  })
}

/**
 * One volume of this node in its current state, read from the kernel. Changes nothing.
 *
 * @throws BAD_REQUEST the name is not a string
 * @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER no volume has this name, or its record cannot be parsed
 */
export function volume(name: string): Promise<VolumeStatus>
export function volume(host: Host, name: string): Promise<VolumeStatus>
export function volume(...all: HostFirst<[name: string]>): Promise<VolumeStatus> {
  return onHost(all, async (host, name) => {
    checkText('volume', 'name', name)
    return oneVolume(host, name)
  })
}

/** Every iSCSI session of this node with all its disks, and the owner of each. Changes nothing. */
export function sessions(): Promise<SessionStatus[]>
export function sessions(host: Host): Promise<SessionStatus[]>
export function sessions(...all: HostFirst<[]>): Promise<SessionStatus[]> {
  return onHost(all, async (host) => listSessions(host))
}

/**
 * Which node may write to a volume, and how that is known: asks the target for its registrations and reservation, and
 * the file system for its last mount. Changes nothing. Requires root.
 *
 * @throws BAD_REQUEST NO_PERMISSION the call is not valid
 * @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER no volume has this name, or its record cannot be parsed
 */
export function owner(name: string): Promise<OwnerReport>
export function owner(host: Host, name: string): Promise<OwnerReport>
export function owner(...all: HostFirst<[name: string]>): Promise<OwnerReport> {
  return onHost(all, async (host, name) => {
    checkText('owner', 'name', name)
    requireRoot('asking for the owner')
    return ownerReport(host, findRecord(host, name))
  })
}

/** Options of {@link history}. */
export interface HistoryOptions {
  /**
   * Only what happened to the volume with this name.
   *
   * @default all volumes, and what concerns the whole node
   */
  readonly name?: string | undefined
}

/**
 * What happened to the volumes of this node: outages with their length and how they ended, and who attached, detached or
 * changed what. It is kept across reboots, bounded in size; outages are recorded by the agent. Changes nothing.
 *
 * @throws BAD_REQUEST an option is not valid
 * @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER no volume has this name, and nothing is known of one
 * @throws NO_PERMISSION RECORD_UNWRITABLE the history cannot be read
 */
export function history(options?: HistoryOptions): Promise<HistoryReport>
export function history(host: Host, options?: HistoryOptions): Promise<HistoryReport>
export function history(...all: HostFirst<[options?: HistoryOptions | undefined]>): Promise<HistoryReport> {
  return onHost(all, async (host, options = {}) => {
    checkOptions('history', options, { name: 'string' })
    return historyReport(host, options.name ?? null)
  })
}

/** Options of {@link doctor}. */
export interface DoctorOptions extends OperationOptions {
  /**
   * `true`: make the safe repairs, and report them in `repairs`. A code of {@link FindingCode}: make the repairs of
   * that finding, including those that are made only on request. A disk in use is never touched.
   *
   * @default false
   */
  readonly fix?: boolean | FindingCode | undefined
  /**
   * Report in `repairs` what `fix` would do, and change nothing.
   *
   * @default false
   */
  readonly dryRun?: boolean | undefined
}

/**
 * Diagnoses this node: findings with evidence and a remedy, critical ones first. Ends in bounded time, even during
 * an outage. A check that fails becomes a finding itself (CHECK_FAILED). Requires root.
 *
 * @throws BAD_REQUEST NO_PERMISSION the call is not valid
 */
export function doctor(options?: DoctorOptions): Promise<Diagnosis>
export function doctor(host: Host, options?: DoctorOptions): Promise<Diagnosis>
export function doctor(...all: HostFirst<[options?: DoctorOptions | undefined]>): Promise<Diagnosis> {
  return onHost(all, async (host, options = {}) => {
    checkOptions('doctor', options, { fix: ['boolean', 'string'], dryRun: 'boolean', ...OPERATION_KEYS })
    const { fix = false, dryRun = false } = options
    const code = typeof fix === 'string' ? (REPAIRABLE.find((one) => one === fix) ?? null) : null
    if (typeof fix === 'string' && code === null)
      throw new LunkeeperError('BAD_REQUEST', `doctor: there is no repair for "${fix}"`, {
        hint: `Repairs: ${REPAIRABLE.join(', ')}.`,
      })
    return diagnoseNode(host, fix || dryRun ? { dryRun, code, ...engineOptions(options) } : null)
  })
}
