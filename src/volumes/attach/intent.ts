import { createHash } from 'node:crypto'

import type { Host } from '../../host/host.ts'
import { readMachineId } from '../../host/read/machine.ts'
import type { Attachment } from '../../model/attachment.ts'
import { asAsked } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { defaultName } from '../../model/name.ts'
import { samePortal } from '../../model/portal.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { readRecords, refuseCorrupt } from '../../state/records/volumes.ts'
import { attachedAlready } from './attached-already.ts'
import { contradiction } from './contradiction.ts'

export interface Intent {
  readonly record: Attachment
  /** Not yet written. */
  readonly fresh: boolean
}

/**
 * The record to continue with: the volume's existing one, or a new one. The volume's lock is held.
 * @throws ATTACHED_ALREADY CONFLICT RECORD_CORRUPT RECORD_NEWER
 */
export function intend(
  host: Host,
  request: VolumeRequest,
  orchestrator?: Attachment['orchestrator'],
): Intent {
  const records = readRecords(host)
  const { attachments } = records
  const existing = attachmentOf(attachments, request)
  if (existing) {
    if (request.name && request.name !== existing.name) throw underAnotherName(existing, request.name)
    const reason = contradiction(existing, request)
    if (reason) throw new LunkeeperError('CONFLICT', `${existing.name} is already attached: ${reason}`)
    return { record: { ...merged(existing, request), ...machineOf(host) }, fresh: false }
  }
  const name = request.name ?? freeName(attachments, request)
  const other = attachments.find((attachment) => attachment.name === name)
  if (other) {
    const { lun, iqn } = other.request
    throw new LunkeeperError('CONFLICT', `the name ${name} is used by LUN ${lun} of ${iqn}`)
  }
  refuseCorrupt(records, name)
  const point = request.use.mount
  const mounted = attachments.find(({ request: { use } }) => use.mount !== null && use.mount === point)
  if (mounted) throw new LunkeeperError('CONFLICT', `${point} is the mount point of ${mounted.name}`)
  const record = first(host, name, request)
  return { record: orchestrator ? { ...record, orchestrator } : record, fresh: true }
}

/** One LUN is one volume on this node, under any name. */
function underAnotherName(existing: Attachment, requested: string): LunkeeperError {
  const { name, request } = existing
  return attachedAlready(
    existing,
    `LUN ${request.lun} of ${request.iqn} is attached as ${name}, not as ${requested}`,
  )
}

/**
 * The attachment of the requested volume: by the LUN of its original request, otherwise by its current one. If
 * volumes have followed moved LUNs, both can have the same number: then the name decides.
 */
export function attachmentOf(
  attachments: readonly Attachment[],
  {
    iqn,
    lun,
    name,
  }: Pick<VolumeRequest, 'iqn' | 'lun'> & { readonly name?: VolumeRequest['name'] | undefined },
): Attachment | undefined {
  const all = attachments.filter(({ request }) => request.iqn === iqn)
  const asked = all.filter((one) => asAsked(one).lun === lun)
  const found = [...asked, ...all.filter(({ request }) => request.lun === lun)]
  return found.find((one) => one.name === name) ?? found[0]
}

function first(host: Host, name: Attachment['name'], request: VolumeRequest): Attachment {
  const { wanted, mode } = request.hold
  return {
    name,
    request: { ...request, name, hold: { wanted: wanted ?? host.hold.wanted, mode: mode ?? host.hold.mode } },
    phase: 'attaching',
    identity: null,
    mode: null,
    device: null,
    fs: null,
    formatting: null,
    knownToMultipath: false,
    askedLun: null,
    madeDirectories: [],
    protectedDirectory: null,
    writeOut: null,
    createdAt: new Date().toISOString(),
    ...machineOf(host),
  }
}

/** From now on the record is this machine's, even if it came here with a copy of another machine. */
function machineOf(host: Host): Pick<Attachment, 'machine'> {
  const machine = readMachineId(host.paths)
  return machine === null ? {} : { machine }
}

/** Changes to the first request that take effect: more portals, another hold. */
function merged(existing: Attachment, request: VolumeRequest): Attachment {
  const { portals, hold, use } = existing.request
  const more = request.portals.filter((portal) => !portals.some((other) => samePortal(portal, other)))
  return {
    ...existing,
    phase: existing.phase === 'detaching' ? 'attaching' : existing.phase,
    request: {
      ...existing.request,
      portals: [...portals, ...more],
      hold: { wanted: request.hold.wanted ?? hold.wanted, mode: request.hold.mode ?? hold.mode },
      use: { ...use, format: request.use.format },
    },
  }
}

function freeName(attachments: readonly Attachment[], { iqn, lun }: VolumeRequest): Attachment['name'] {
  const plain = defaultName(iqn, lun)
  if (!attachments.some(({ name }) => name === plain)) return plain
  return defaultName(iqn, lun, createHash('sha256').update(iqn).digest('hex').slice(0, 6))
}
