import { createHash } from 'node:crypto'

import type { Host } from '../../host/host.ts'
import { resolvePortal } from '../../host/iscsi/reach.ts'
import { withLock } from '../../host/lock/lock.ts'
import { knownWwids } from '../../host/map/wwids.ts'
import { hasTransport, isIscsidRunning } from '../../host/read/node.ts'
import type { Attachment, VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { defaultName } from '../../model/name.ts'
import { samePortal } from '../../model/portal.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { checkRequest, cleanPath } from '../../model/request.ts'
import type { Chap } from '../../model/secret.ts'
import { undo } from '../detach/undo.ts'
import { targetLock, volumeLock } from '../locks.ts'
import { createRecord, readRecords, writeRecord } from '../records.ts'
import { statusOf } from '../status.ts'
import type { Observer } from '../step.ts'
import { stepper } from '../step.ts'
import { bringPaths } from './paths.ts'
import { contradiction } from './contradiction.ts'
import { chooseDevice, sessionRecovery } from './device.ts'
import { bringIntoUse } from './use.ts'

export interface AttachOptions {
  readonly chap?: Chap | null
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

/**
 * Brings one volume to this node: sessions, exactly its disk, its identity proven, its mount. What is
 * there already is verified and used. After a failure nothing of this attempt is left; what an earlier
 * attempt had finished stays as it was.
 * @throws LunkeeperError
 */
export async function attach(
  host: Host,
  asked: VolumeRequest,
  options: AttachOptions = {},
): Promise<VolumeStatus> {
  host.hands.warm()
  checkNode(host)
  const request = await settle(checkRequest(asked))
  return withLock(...volumeLock(host, request, 'attach', options.signal), async () => {
    const { record: found, fresh } = intended(host, request)
    let record = found
    const steps = stepper(record.name, options.observer ?? {})
    const note = (change: Partial<Attachment>) => writeRecord(host, (record = { ...record, ...change }))
    if (fresh) await steps.step('record', record.name, () => createRecord(host, record))
    const unfinished = record.phase !== 'ready'
    const scanned = new Set<number>()
    try {
      const expected = {
        wwid: request.expected.wwid ?? record.identity?.wwid,
        serial: request.expected.serial ?? record.identity?.serial,
        bytes: record.identity?.bytes,
      }
      const work = {
        host,
        request: record.request,
        chap: options.chap ?? null,
        expected,
        scanned,
        steps,
        note,
        recovery: sessionRecovery(host, record),
        knownBefore: knownWwids(host),
      }
      const paths = await withLock(...targetLock(host, request, 'attach', options.signal), async () => {
        const paths = await bringPaths(work, options.signal)
        if (!record.identity)
          await steps.step('learn-identity', record.name, () => note({ identity: paths[0]!.identity }))
        return paths
      })
      const { device, map, mode } = await chooseDevice(work, paths)
      const name = map ? `/dev/mapper/${map.name}` : `/dev/${device.name}`
      const fs = await bringIntoUse(
        { host, device, bytes: paths[0]!.disk.bytes, steps, record: () => record, note },
        record.request.use,
      )
      const ready = { phase: 'ready', mode, device: name, fs } as const
      if (!isAlready(record, ready)) await steps.step('finish', record.name, () => note(ready))
      return statusOf(host, record)
    } catch (error) {
      if (unfinished) await undo(host, record, steps, scanned)
      throw error
    }
  })
}

function isAlready(record: Attachment, wanted: Partial<Attachment>): boolean {
  return Object.entries(wanted).every(([key, value]) => record[key as keyof Attachment] === value)
}

/** @throws NO_PERMISSION MODULE_MISSING ISCSID_DOWN */
function checkNode(host: Host): void {
  if (process.getuid?.() !== 0) throw new LunkeeperError('NO_PERMISSION', 'attaching a volume needs root')
  // Both come up by themselves when iscsiadm first needs them, where the machine is set up so: the
  // module through iscsid, iscsid through its socket. What is not even there is worth saying at once.
  if (!hasTransport(host.paths) && !isIscsidRunning(host.paths))
    throw new LunkeeperError(
      'MODULE_MISSING',
      'iSCSI is not there: no module iscsi_tcp, and no iscsid to load it',
      {
        hint: 'apt-get install open-iscsi; modprobe iscsi_tcp; systemctl enable --now iscsid',
      },
    )
}

/** Portals by address and without doubles, the mount point as the kernel prints it. */
async function settle(request: VolumeRequest): Promise<VolumeRequest> {
  const resolved = await Promise.all(request.portals.map(resolvePortal))
  const portals = resolved.filter(
    (portal, index) => resolved.findIndex((other) => samePortal(portal, other)) === index,
  )
  const mount = request.use.mount && cleanPath(request.use.mount)
  return { ...request, portals, use: { ...request.use, mount } }
}

/**
 * The record to go on with: the one that exists for this volume, or a new one.
 * @throws CONFLICT RECORD_CORRUPT
 */
function intended(host: Host, request: VolumeRequest): { record: Attachment; fresh: boolean } {
  const { attachments, corrupt } = readRecords(host)
  const existing = attachments.find(({ request: { iqn, lun } }) => iqn === request.iqn && lun === request.lun)
  if (existing) {
    const reason = contradiction(existing, request)
    if (reason) throw new LunkeeperError('CONFLICT', `${existing.name} is attached already: ${reason}`)
    return { record: merged(existing, request), fresh: false }
  }
  const name = request.name ?? freeName(attachments, request)
  const other = attachments.find((attachment) => attachment.name === name)
  if (other)
    throw new LunkeeperError(
      'CONFLICT',
      `the name ${name} is taken by LUN ${other.request.lun} of ${other.request.iqn}`,
    )
  const broken = corrupt.find(({ path }) => path.endsWith(`/${name}.json`))
  if (broken) throw new LunkeeperError('RECORD_CORRUPT', broken.reason)
  const mounted = attachments.find(
    ({ request: { use } }) => use.mount !== null && use.mount === request.use.mount,
  )
  if (mounted)
    throw new LunkeeperError('CONFLICT', `${request.use.mount} is the mount point of ${mounted.name}`)
  return { record: newRecord(name, request), fresh: true }
}

function newRecord(name: Attachment['name'], request: VolumeRequest): Attachment {
  return {
    name,
    request: { ...request, name },
    phase: 'attaching',
    identity: null,
    mode: null,
    device: null,
    fs: null,
    formatting: null,
    knownToMultipath: false,
    madeDirectories: [],
    createdAt: new Date().toISOString(),
  }
}

/** What may differ from the first request and take effect: more portals, a longer or shorter hold. */
function merged(existing: Attachment, request: VolumeRequest): Attachment {
  const known = existing.request.portals
  const portals = [
    ...known,
    ...request.portals.filter((portal) => !known.some((other) => samePortal(portal, other))),
  ]
  const use = { ...existing.request.use, format: request.use.format }
  const phase = existing.phase === 'detaching' ? 'attaching' : existing.phase
  return { ...existing, phase, request: { ...existing.request, portals, hold: request.hold, use } }
}

function freeName(attachments: readonly Attachment[], request: VolumeRequest): Attachment['name'] {
  const plain = defaultName(request.iqn, request.lun)
  if (!attachments.some(({ name }) => name === plain)) return plain
  return defaultName(
    request.iqn,
    request.lun,
    createHash('sha256').update(request.iqn).digest('hex').slice(0, 6),
  )
}
