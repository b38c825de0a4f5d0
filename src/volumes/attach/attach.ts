import { isDeepStrictEqual } from 'node:util'

import type { Host } from '../../host/host.ts'
import { withLock } from '../../host/lock/lock.ts'
import { requireRoot } from '../../host/root.ts'
import { endMisplaced, refuseGivenUp } from '../holding/misplaced.ts'
import { panicWarning } from '../holding/panic.ts'
import { offerToUdev } from '../../host/map/offer.ts'
import { knownWwids } from '../../host/map/wwids.ts'
import { hasTransport, isIscsidRunning } from '../../host/read/node.ts'
import type { Attachment, VolumeStatus } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { Ext4Mark } from '../../model/ext4-mark.ts'
import type { ExpectedIdentity } from '../../model/identity.ts'
import { defaultName } from '../../model/name.ts'
import type { VolumeRequest } from '../../model/request.ts'
import { checkRequest } from '../../model/request.ts'
import type { Chap } from '../../model/secret.ts'
import { configureMultipathd } from '../holding/multipathd.ts'
import { undo } from '../detach/undo.ts'
import { noteAttached } from '../../state/records/attached-note.ts'
import { recordAct } from '../../state/records/history.ts'
import { mountLock, targetLock, volumeLock } from '../../state/records/locks.ts'
import { removeLeftovers } from '../../state/records/leftovers.ts'
import { createRecord, readRecord, readRecords, writeRecord } from '../../state/records/volumes.ts'
import { primeMark } from '../../state/proof/ext4-mark.ts'
import { statusOf } from '../../state/view/status.ts'
import { lookAtVolume } from '../../state/view/volume.ts'
import type { OperationControl } from '../step.ts'
import { stepper } from '../step.ts'
import { preparePaths } from './paths.ts'
import { claimVolume } from './claim.ts'
import { chooseDevice, pathMark, sessionRecovery } from './device.ts'
import { refuseOpen } from './refuse-open.ts'
import { attachmentOf, intend } from './intent.ts'
import { asOnlyAttachment } from './only-attachment.ts'
import { resolveRequest } from './resolve-request.ts'
import { prepareUse } from './use.ts'

export interface AttachControl extends OperationControl {
  readonly chap?: Chap | null
  /** What requested the attachment, if not a user: {@link Attachment.orchestrator}. */
  readonly orchestrator?: Attachment['orchestrator']
  /** The VolumeAttachment by which Kubernetes gave the volume to this node: it decides which node has the volume. */
  readonly publication?: Attachment['publication']
  /**
   * Attach only a volume that is attached now, according to its record. For callers that bring a volume back
   * automatically: a user may have detached it while they waited for its lock, and another node may be about to
   * attach it.
   * @default false
   */
  readonly onlyAgain?: boolean
  /**
   * The mark of this node's mount, read immediately before the unmount: a remount has changed what the record has. With
   * `onlyAgain`.
   */
  readonly mark?: Ext4Mark | null
  /** Take the volume from the node that has it; data that that node has not written is lost. @default false */
  readonly takesOver?: boolean
  /**
   * Called immediately before the volume is taken from another node, possibly minutes after the attach began. It
   * throws if that is no longer allowed.
   */
  readonly confirmTakeOver?: () => Promise<void>
}

/**
 * Attaches one volume to this node: sessions, exactly its disk, a check of its identity, its mount. Whatever already
 * exists is verified and reused. If it fails, everything this attempt created is removed; what an earlier attempt
 * completed stays.
 * @throws LunkeeperError
 */
export async function attach(
  host: Host,
  asked: VolumeRequest,
  options: AttachControl = {},
): Promise<VolumeStatus> {
  host.workers.warm()
  checkNode(host)
  const { chap = null, observer = {}, signal } = options
  const name = asked.name ?? defaultName(asked.iqn, asked.lun)
  const request = await resolveRequest(host, checkRequest(asked), (message) => observer.warn?.(name, message))
  const known = attachmentOf(readRecords(host).attachments, request)
  return withLock(...volumeLock(host, known ?? request, 'attach', signal), async () => {
    const intent = intend(host, request, options.orchestrator)
    if (options.onlyAgain && (intent.fresh || intent.record.phase !== 'ready'))
      throw new LunkeeperError('NOT_FOUND', `${name} was detached meanwhile`)
    const { publication, takesOver = false, confirmTakeOver } = options
    let record = intent.fresh && publication ? { ...intent.record, publication } : intent.record
    // The record keeps its mode until the attach is complete: the agent monitors a volume by its mode.
    const mode = modeAgain(host, record)
    refuseGivenUp(host, record)
    let tookOver = false
    const steps = stepper(record.name, observer)
    const panic = panicWarning(host, record.request.hold.wanted)
    if (panic !== null) steps.warn(panic)
    const note = (change: Partial<Attachment>) => writeRecord(host, (record = { ...record, ...change }))
    if (intent.fresh) {
      removeLeftovers(host)
      await steps.step('record', record.name, () => createRecord(host, record))
    }
    if (options.mark) note({ mark: options.mark })
    const scanned = new Set<number>()
    try {
      const work = {
        host,
        request: record.request,
        chap,
        expected: expectedOf(request, record),
        scanned,
        steps,
        signal,
        note,
        record: () => record,
        recovery: await sessionRecovery(host, { ...record, mode }),
        mark: await pathMark(host, { ...record, mode }),
        name: record.name,
        mode,
        knownBefore: knownWwids(host),
      }
      const paths = await withLock(...targetLock(host, request, 'attach', signal), () =>
        preparePaths(work, signal),
      )
      await asOnlyAttachment({ host, record, paths, scanned, signal }, async () => {
        if (!record.identity)
          await steps.step('learn-identity', record.name, () => note({ identity: paths[0]!.identity }))
      })
      await refuseOpen(host, record, paths, scanned, signal)
      const claim = { host, record, paths, scanned, steps, note }
      const taken = () => (tookOver = true)
      const isAutomatic = options.onlyAgain === true
      await claimVolume({ ...claim, publication, takesOver, isAutomatic, confirmTakeOver, taken })
      const { device, map, ...chosen } = await chooseDevice(work, paths)
      if (chosen.mode === 'multipathd') await tellMultipathd(map!.name)
      const fs = await withMountLock(host, record.request.use.mount, signal, () =>
        prepareUse({ host, device, paths, steps, record: () => record, note }, record.request.use),
      )
      const mounted = (await primeMark(host, record.request.use)) ?? undefined
      // What an earlier attempt could not write was not a user's data.
      if (record.device === null && record.writeOut !== null) note({ writeOut: null })
      const shown = map ? `/dev/mapper/${map.name}` : `/dev/${device.name}`
      const { machine } = record
      refuseGivenUp(host, record)
      await finish({
        phase: 'ready',
        mode: chosen.mode,
        device: shown,
        fs,
        request: record.request,
        machine,
        mark: mounted,
      })
      endMisplaced(host, record, !isAutomatic)
      if (chosen.mode === 'map' && isForEverybody(record)) offerToUdev(host, map!)
      return statusOf(host, record)
    } catch (error) {
      throw withKept(error, await undo(host, record, steps, scanned, intent.record.identity))
    }

    async function tellMultipathd(map: string): Promise<void> {
      // Record this first: the volume's multipathd configuration is removed together with its record.
      note({ mode: 'multipathd', request: record.request })
      await steps.step('tell-multipathd', map, () => configureMultipathd(host).catch(onlyWarned))
    }

    /** The hold then follows multipathd's configuration, and `volumes` shows how long that is. */
    function onlyWarned(error: Error): void {
      steps.warn(`multipathd's queueing could not be configured: ${error.message}`)
    }

    async function finish(ready: Partial<Attachment>): Promise<void> {
      const before = readRecord(host, record.name)
      const differs = Object.entries(ready)
        .filter(([key, value]) => !isDeepStrictEqual(before?.[key as keyof Attachment], value))
        .map(([key]) => key)
      if (differs.length > 0) await steps.step('finish', record.name, () => note(ready))
      noteAttached(host, record.name)
      // Every mount leaves a different mark.
      if (differs.every((key) => key === 'mark') && !tookOver) return
      const { name, mode, device, identity, protectedDirectory: directory } = record
      const { mount } = record.request.use
      const bytes = identity?.bytes ?? null
      recordAct(host, name, { event: 'attached', mode, device, mount, bytes, directory, tookOver })
    }
  })
}

/** The error of a failed attach, with the disks that were left because programs have them open. */
function withKept(error: unknown, kept: readonly string[]): unknown {
  if (kept.length === 0 || !isLunkeeperError(error)) return error
  const { code, message, hint, details, cause } = error
  return new LunkeeperError(code, [message, ...kept].join('; '), { hint, details, cause })
}

/** Whether a raw volume belongs to this node's own users: not to a pod, nor to a virtual machine through CSI. */
function isForEverybody({ request: { use }, orchestrator }: Attachment): boolean {
  return use.mount === null && !use.readOnly && orchestrator === undefined
}

function expectedOf({ expected }: VolumeRequest, { identity }: Attachment): ExpectedIdentity {
  return {
    wwid: expected.wwid ?? identity?.wwid,
    serial: expected.serial ?? identity?.serial,
    bytes: identity?.bytes,
  }
}

/**
 * A volume that was attached before there was an agent is held by its session. Once none of its disks is left, it
 * is held as a new volume would be: a map cannot be inserted below the users of a disk.
 */
function modeAgain(host: Host, { mode, request }: Attachment): Attachment['mode'] {
  const isFree = () => lookAtVolume(host, request).sessions.every(({ disk }) => disk === null)
  return mode === 'session' && isFree() ? null : mode
}

/** If two volumes request one mount point, the second sees the first one's mount there. */
function withMountLock<T>(
  host: Host,
  point: string | null,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  return point === null ? work() : withLock(...mountLock(host, point, signal), work)
}

/** @throws NO_PERMISSION MODULE_MISSING ISCSID_DOWN */
function checkNode(host: Host): void {
  requireRoot('attaching a volume')
  // Both start automatically when iscsiadm first needs them, if the machine is set up for it: the module through
  // iscsid, iscsid through its socket. If neither is set up, report that immediately.
  if (!hasTransport(host.paths) && !isIscsidRunning(host.paths))
    throw new LunkeeperError(
      'MODULE_MISSING',
      'iSCSI is not available: the module iscsi_tcp is not loaded, and there is no iscsid to load it',
      {
        hint: 'apt-get install open-iscsi; modprobe iscsi_tcp; systemctl enable --now iscsid',
      },
    )
}
