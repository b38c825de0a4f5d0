import { Code, ConnectError } from '@connectrpc/connect'

import { isHolding } from '../../state/records/hold-note.ts'
import { resolveDirectory } from '../../host/fs/mount.ts'
import type { Host } from '../../host/host.ts'
import { hasOtherChap, renewChap } from '../../host/iscsi/renew-chap.ts'
import type { Attachment, Publication } from '../../model/attachment.ts'
import { isLunkeeperError, LunkeeperError } from '../../model/errors.ts'
import type { VolumeName } from '../../model/name.ts'
import { formatPortal } from '../../model/portal.ts'
import type { FileSystem, VolumeRequest } from '../../model/request.ts'
import { checkRequest } from '../../model/request.ts'
import type { Chap } from '../../model/secret.ts'
import { attach } from '../../volumes/attach/attach.ts'
import { contradiction } from '../../volumes/attach/contradiction.ts'
import { readRecord } from '../../state/records/volumes.ts'
import type { Driver } from '../driver.ts'
import type { NodeStageVolumeRequest } from '../protocol/csi_pb.js'
import { grpcError, toUncertainStatus } from '../status.ts'
import { takeOverVolume } from '../takeover/inherit.ts'
import { parseAttributes } from '../volume/attributes.ts'
import { parseCapability, unsupported, useOf } from '../volume/capability.ts'
import { credentialsOf } from '../volume/credentials.ts'
import { clearStaging, stagingTrouble } from '../volume/staging.ts'
import { volumeNameOf } from '../volume/name.ts'
import { otherVolume } from '../volume/other-volume.ts'
import { mayTakeOver } from '../volume/volume-attachment.ts'
import type { Owner } from '../volume/publication.ts'
import { entitledOwner, parsePublication } from '../volume/publication.ts'
import { lookAtStaged } from '../volume/staged.ts'
import { requirePath, requireText } from './arguments.ts'

/** The file system to create on a blank volume if the caller does not name one. */
const DEFAULT_FS: FileSystem = 'ext4'

/** How long a target may take to accept a secret. */
const RENEW_MS = 10_000

const UNGUARDED =
  'it has no VolumeAttachment: Kubernetes does not keep other nodes from it (attachRequired is false, or was when its pod started)'

/** Attaches the volume, and mounts it at its staging path unless it is a block volume. */
export async function stage(driver: Driver, call: NodeStageVolumeRequest): Promise<void> {
  const volumeId = requireText(call.volumeId, 'volume_id')
  try {
    await stageVolume(driver, call, volumeId)
  } catch (error) {
    throw isLeft(driver.host, volumeNameOf(volumeId), error) ? toUncertainStatus(error, volumeId) : error
  }
}

/**
 * Whether the volume is on this node although the call failed. Most errors tell a kubelet that nothing on the node has to be
 * undone: it would not unstage the volume any more, and another node could get it while its data waits here.
 */
function isLeft(host: Host, name: VolumeName, error: unknown): boolean {
  const record = readRecord(host, name)
  if (record?.phase !== 'ready') return record !== null
  // The specification requires these for a volume that is staged with other settings.
  const isRequired =
    error instanceof ConnectError &&
    (error.code === Code.AlreadyExists || error.code === Code.FailedPrecondition)
  return !isRequired || isHolding(host, name)
}

async function stageVolume(driver: Driver, call: NodeStageVolumeRequest, volumeId: string): Promise<void> {
  const path = requirePath(call.stagingTargetPath, 'staging_target_path')
  const capability = parseCapability(call.volumeCapability)
  const { warnings, ...source } = parseAttributes(call.volumeContext)
  const chap = credentialsOf(call.secrets, call.volumeContext)
  const owner = entitledOwner(parsePublication(call.publishContext), capability.mode)
  const reason = unsupported(capability)
  if (reason) throw grpcError('BAD_REQUEST', `${volumeId}: ${reason}`, Code.FailedPrecondition)
  const { host, observer } = driver
  const name = volumeNameOf(volumeId)
  for (const warning of warnings) observer.warn?.(name, warning)
  // In the mount table's form: a kubelet's directory may be reached through links.
  const staging = capability.kind === 'mount' ? await resolveDirectory(host, path) : path
  const existing = readRecord(host, name)
  const publication = publicationOf(owner)
  const request = checkRequest({
    ...source,
    name,
    use: useOf(capability, staging),
    // Versions that did not support volumes for several writers staged them for one node. A staged volume stays as
    // it is.
    shared:
      existing?.phase === 'ready' ? existing.request.shared : owner.sharing === 'many-writers' || undefined,
  })
  if (existing?.phase === 'ready') {
    refuseContradiction(existing, request)
    if (chap) await renewSecrets(driver, existing, chap)
    // A staged volume in an outage is not changed.
    if (!(await clearBroken(host, existing)) && isHolding(host, existing.name))
      return refuseUnproven(existing, publication)
  }
  if (publication === null && owner.sharing === 'one-node') observer.warn?.(name, UNGUARDED)
  const takesOver = owner.sharing === 'one-node' && (await mayTakeOver(host, volumeId, publication))
  // The attach waits for its turn, for locks and for logins: by then Kubernetes may have given the volume to
  // another node.
  const confirmTakeOver = async () => {
    if (!(await mayTakeOver(host, volumeId, publication)))
      throw new LunkeeperError('OWNER_UNKNOWN', `${volumeId}: the Kubernetes API does not answer`)
  }
  const forgetOldDriver = takeOverVolume(driver, volumeId)
  try {
    await driver.targetLimiter.run(request.iqn, () =>
      attachOrFormat(driver, request, { chap, publication, takesOver, confirmTakeOver }),
    )
  } catch (error) {
    driver.failures.record(volumeId, error)
    throw error
  }
  driver.failures.forget(volumeId)
  forgetOldDriver()
}

function publicationOf({ attachment }: Owner): Publication | null {
  return attachment && { attachment: attachment.name, uid: attachment.uid }
}

/** @throws ALREADY_EXISTS the volume is staged there with other settings · FAILED_PRECONDITION it is staged elsewhere */
function refuseContradiction(existing: Attachment, request: VolumeRequest): void {
  const { mount } = existing.request.use
  // Another address may lead to the same target. attach verifies that the same volume answers there.
  const other = otherVolume(existing, { ...request, portals: [] })
  const reason = other ?? contradiction(existing, request)
  if (!reason) return
  const samePlace =
    other !== null || mount === null || request.use.mount === null || mount === request.use.mount
  const message = `${existing.name} is already staged: ${reason}`
  throw grpcError('CONFLICT', message, samePlace ? Code.AlreadyExists : Code.FailedPrecondition)
}

/**
 * A volume that Kubernetes has attached to this node again waits for its target: another node may have had it in between, and
 * its owner cannot be asked now.
 * @throws TARGET_AWAY
 */
function refuseUnproven({ name, publication }: Attachment, current: Publication | null): void {
  if (current === null || current.uid === publication?.uid) return
  throw new LunkeeperError(
    'TARGET_AWAY',
    `${name} is in an outage, and Kubernetes has attached it to this node again since it was staged: it is staged again once its target is back and shows which node owns it`,
  )
}

/**
 * A secret may have been changed at the target during an outage: the agent then cannot log in with the former one. What cannot be
 * renewed is renewed by a later call.
 */
async function renewSecrets(
  { host, observer, signal }: Driver,
  existing: Attachment,
  chap: Chap,
): Promise<void> {
  const { iqn, portals } = existing.request
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(RENEW_MS)])
  await Promise.all(
    portals.map(async (portal) => {
      try {
        if (hasOtherChap(host, iqn, portal, chap)) await renewChap(host, iqn, portal, chap, bounded)
      } catch (error) {
        if (!isLunkeeperError(error)) throw error
        observer.warn?.(
          existing.name,
          `the CHAP credentials for ${formatPortal(portal)} were not changed: ${error.message}`,
        )
      }
    }),
  )
}

/** Removes a broken mount at the staging path, so that the volume can be staged again. @returns whether there was one */
async function clearBroken(host: Host, existing: Attachment): Promise<boolean> {
  const staged = lookAtStaged(host, existing)
  if ((await stagingTrouble(host, existing, staged)) === null) return false
  await clearStaging(host, existing, staged)
  return true
}

/** Attaches the volume, and formats it if it is blank: formatting is requested only if no file system was found. */
async function attachOrFormat(
  driver: Driver,
  request: VolumeRequest,
  {
    chap,
    publication,
    takesOver,
    confirmTakeOver,
  }: {
    readonly chap: Chap | null
    readonly publication: Publication | null
    readonly takesOver: boolean
    readonly confirmTakeOver: () => Promise<void>
  },
): Promise<void> {
  const { host, observer, signal } = driver
  const options = {
    chap,
    observer,
    signal,
    orchestrator: 'csi' as const,
    takesOver,
    confirmTakeOver,
    ...(publication ? { publication } : {}),
  }
  const { use } = request
  try {
    await attach(host, request, options)
  } catch (error) {
    if (!isLunkeeperError(error, 'NO_FILESYSTEM') || use.readOnly) throw error
    observer.warn?.(request.name as VolumeName, 'the volume is new: a file system is created if it is blank')
    await attach(host, { ...request, use: { ...use, fs: use.fs ?? DEFAULT_FS, format: true } }, options)
  }
}
