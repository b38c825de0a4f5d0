import type { Host } from '../../host/host.ts'
import type { Attachment, VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { CorruptRecord } from '../records/volumes.ts'
import { readRecords, refuseCorrupt } from '../records/volumes.ts'
import { statusOf } from './status.ts'

/** All attachments of this node in their current state, and the records that cannot be parsed. */
export async function listVolumes(
  host: Host,
): Promise<{ volumes: VolumeStatus[]; corrupt: readonly CorruptRecord[] }> {
  const { attachments, corrupt } = readRecords(host)
  return { volumes: await Promise.all(attachments.map((record) => statusOf(host, record))), corrupt }
}

/** @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER */
export async function oneVolume(host: Host, name: string): Promise<VolumeStatus> {
  return statusOf(host, findRecord(host, name))
}

/** The record of a volume. @throws NOT_FOUND RECORD_CORRUPT RECORD_NEWER */
export function findRecord(host: Host, name: string): Attachment {
  const records = readRecords(host)
  const record = records.attachments.find((attachment) => attachment.name === name)
  if (record) return record
  refuseCorrupt(records, name)
  throw new LunkeeperError('NOT_FOUND', `there is no volume named "${name}"`)
}
