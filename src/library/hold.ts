import { setHold as setHoldOf } from '../hold/change.ts'
import { giveUp as giveUpVolume } from '../hold/give-up.ts'
import type { Host } from '../host/host.ts'
import { requireRoot } from '../host/root.ts'
import type { HoldStatus, VolumeStatus } from '../model/attachment.ts'
import { parseHold } from '../model/hold.ts'
import { oneVolume } from '../state/view/list.ts'
import type { HostFirst } from './host.ts'
import { onHost } from './host.ts'
import type { OperationOptions } from './options.ts'
import { checkOptions, checkText, engineOptions, OPERATION_KEYS } from './options.ts'

/**
 * How long the I/O of a volume is held, since when it has been held, and when it would fail. Changes nothing.
 *
 * @throws BAD_REQUEST the name is not a string
 * @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER no volume has this name, or its record cannot be parsed
 */
export function hold(name: string): Promise<HoldStatus>
export function hold(host: Host, name: string): Promise<HoldStatus>
export function hold(...all: HostFirst<[name: string]>): Promise<HoldStatus> {
  return onHost(all, async (host, name) => {
    checkText('hold', 'name', name)
    return (await oneVolume(host, name)).hold
  })
}

/**
 * Changes how long the I/O of a volume is held. On a hold map this takes effect immediately, even during an outage;
 * on a session that is lost, the kernel uses the new time from the next outage. Requires root.
 *
 * @param wanted seconds as a number, or `300s`, `10m`, `1h`, `forever`
 * @throws BAD_REQUEST BAD_NAME BAD_HOLD NO_PERMISSION the call is not valid; nothing was changed
 * @throws NOT_FOUND CONFLICT no volume has this name, or an attach or detach of it is not finished
 * @throws LOCKED CANCELLED another operation is in progress, or `signal` was aborted
 */
export function setHold(
  name: string,
  wanted: number | string,
  options?: OperationOptions,
): Promise<VolumeStatus>
export function setHold(
  host: Host,
  name: string,
  wanted: number | string,
  options?: OperationOptions,
): Promise<VolumeStatus>
export function setHold(
  ...all: HostFirst<[name: string, wanted: string | number, options?: OperationOptions | undefined]>
): Promise<VolumeStatus> {
  return onHost(all, async (host, name, wanted, options = {}) => {
    checkText('setHold', 'name', name)
    checkOptions('setHold', options, OPERATION_KEYS)
    checkOptions('setHold', { wanted }, { wanted: ['string', 'number'] })
    const seconds = parseHold(String(wanted))
    requireRoot('changing a hold')
    return setHoldOf(host, name, seconds, engineOptions(options))
  })
}

/**
 * Ends the hold of a volume in an outage: held I/O fails now. Data that is not on the target yet is lost, and the file
 * system must be remounted. Requires root.
 *
 * @throws BAD_REQUEST BAD_NAME NO_PERMISSION the call is not valid; nothing was changed
 * @throws NOT_FOUND no volume has this name
 * @throws CONFLICT no I/O of the volume is held, or it is held by the kernel's session, which cannot be told to stop
 * @throws MAP_FAILED the map could not be changed
 */
export function giveUp(name: string): Promise<VolumeStatus>
export function giveUp(host: Host, name: string): Promise<VolumeStatus>
export function giveUp(...all: HostFirst<[name: string]>): Promise<VolumeStatus> {
  return onHost(all, async (host, name) => {
    checkText('giveUp', 'name', name)
    requireRoot('ending a hold')
    return giveUpVolume(host, name)
  })
}
