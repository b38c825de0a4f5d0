import type { Host } from '../../host/host.ts'
import type { Attachment } from '../../model/attachment.ts'
import { grpcError } from '../status.ts'
import { parseAttributes } from '../volume/attributes.ts'
import type { Capability } from '../volume/capability.ts'
import { otherVolume } from '../volume/other-volume.ts'
import { lookAtStaged } from '../volume/staged.ts'

/** @throws FAILED_PRECONDITION another volume is staged under this ID · BAD_REQUEST and similar */
export function refuseOtherVolume(
  record: Attachment,
  volumeId: string,
  context: Readonly<Record<string, string>>,
): void {
  const reason = otherVolume(record, parseAttributes(context))
  if (reason === null) return
  throw grpcError(
    'CONFLICT',
    `another volume is staged on this node as ${volumeId}: ${reason}. To Kubernetes, two PersistentVolumes with one volumeHandle are one volume: give each its own`,
  )
}

/** @throws FAILED_PRECONDITION the volume is staged for another use · INVALID_ARGUMENT a writable device, read-only */
export function refuseOtherUse(
  { name, request, fs }: Attachment,
  capability: Capability,
  staging: string,
  readOnly: boolean,
): void {
  const { use } = request
  const other = (reason: string) => grpcError('CONFLICT', `${name} ${reason}`)
  const kind = use.mount === null ? 'block' : 'mount'
  if (kind !== capability.kind) throw other(`is staged as a ${kind} volume`)
  if (capability.fs !== '' && fs !== null && capability.fs !== fs) throw other(`has the file system ${fs}`)
  if (capability.readOnly && !use.readOnly) throw other('is staged for writing')
  if (kind === 'mount' && !sameOptions(capability.options, use.options))
    throw other(`is mounted with ${use.options.join(',') || 'the default options'}`)
  if (kind === 'mount' && use.mount !== staging) throw other(`is staged at ${use.mount}`)
  if (kind === 'block' && readOnly && !use.readOnly)
    throw grpcError(
      'BAD_REQUEST',
      `${name} is a block volume that is staged for writing: a device is read-only for all its users or for none`,
    )
}

function sameOptions(a: readonly string[], b: readonly string[]): boolean {
  return a.toSorted().join() === b.toSorted().join()
}

/** @throws FAILED_PRECONDITION the access mode allows one target path, and the volume is published at another */
export function refuseSecondPath(
  host: Host,
  record: Attachment,
  capability: Capability,
  target: string,
): void {
  if (capability.shared) return
  const others = lookAtStaged(host, record, target).published.filter(
    ({ point }) => point !== target && !point.startsWith(`${target}/`),
  )
  if (others.length > 0)
    throw grpcError(
      'BUSY',
      `${record.name} is published at ${others.map(({ point }) => point).join(', ')}, and its access mode allows only one target path`,
    )
}
