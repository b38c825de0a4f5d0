import type { Host } from '../../host/host.ts'
import { findHoldMap } from '../../host/map/hold-map.ts'
import { isThisMachine } from '../../host/read/machine.ts'
import type { Attachment } from '../../model/attachment.ts'
import { devicesOf, disksOf, lookAtAttachment } from './volume.ts'
import { mountsOf } from './users.ts'

/**
 * Whether a record came to this machine with a copy of another one (a clone, a restored backup) and its volume has
 * not been attached here since. The other machine may have the volume mounted; only a user can decide, by attaching
 * it here. A record without an ID was written by a version that did not write one, and counts as this machine's.
 */
export function isOfAnotherMachine(host: Host, record: Attachment): boolean {
  const { machine } = record
  return machine !== undefined && !isThisMachine(host.paths, machine) && !isInUse(host, record)
}

/** This machine was given another ID while it had the volume. */
function isInUse(host: Host, record: Attachment): boolean {
  if (record.mode === 'map') return findHoldMap(host, record.name) !== null
  const { mount } = record.request.use
  const view = lookAtAttachment(host, record)
  return devicesOf(view.maps, disksOf(view)).some((device) =>
    mountsOf(host, device).some(({ point }) => point === mount),
  )
}
