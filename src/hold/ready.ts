import type { Host } from '../host/host.ts'
import { findHoldMap } from '../host/map/hold-map.ts'
import type { Attachment } from '../model/attachment.ts'
import { LunkeeperError } from '../model/errors.ts'
import { parseName } from '../model/name.ts'
import type { DmMap } from '../model/snapshot.ts'
import { readRecord } from '../state/records/volumes.ts'
import { lookAtVolume } from '../state/view/volume.ts'

/** @throws NOT_FOUND CONFLICT the volume is being attached or detached */
export function readyRecord(host: Host, name: string): Attachment {
  const record = attachedRecord(host, name)
  if (record.phase !== 'ready') throw new LunkeeperError('CONFLICT', `${name} is ${record.phase}`)
  return record
}

/** Also of a volume whose detach has begun: its data may wait for a target that is away. @throws NOT_FOUND CONFLICT it is being attached */
export function attachedRecord(host: Host, name: string): Attachment {
  const record = readRecord(host, parseName(name))
  if (!record) throw new LunkeeperError('NOT_FOUND', `there is no volume named "${name}"`)
  if (record.phase === 'attaching') throw new LunkeeperError('CONFLICT', `${name} is ${record.phase}`)
  return record
}

/** The map through which the volume is used: its hold map, or multipathd's. */
export function mapOf(host: Host, { mode, request, identity, name }: Attachment): DmMap | null {
  if (mode === 'map') return findHoldMap(host, name)
  return lookAtVolume(host, { ...request, wwid: identity?.wwid, owner: name }).maps[0] ?? null
}
