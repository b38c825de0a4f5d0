import { splitMountOptions } from '../../model/mount-options.ts'
import type { FileSystem, VolumeUse } from '../../model/request.ts'
import { FILE_SYSTEMS } from '../../model/request.ts'
import type { VolumeCapability } from '../protocol/csi_pb.js'
import { VolumeCapability_AccessMode_Mode as Mode } from '../protocol/csi_pb.js'
import { grpcError } from '../status.ts'

/** How a caller wants to use a volume. */
export interface Capability {
  readonly kind: 'block' | 'mount'
  /** As the caller gave it; empty for any file system. */
  readonly fs: string
  /** Mount options other than ro and rw. */
  readonly options: readonly string[]
  /** Whether nothing on this node may write. */
  readonly readOnly: boolean
  /** Whether the volume may be published at several paths of a node. */
  readonly shared: boolean
  readonly mode: Mode
}

const READERS = new Set([Mode.SINGLE_NODE_READER_ONLY, Mode.MULTI_NODE_READER_ONLY])

/** Modes that allow several target paths on a node, for callers that know SINGLE_NODE_MULTI_WRITER (CSI, NodePublishVolume). */
const SHARED = new Set([
  Mode.SINGLE_NODE_MULTI_WRITER,
  Mode.MULTI_NODE_READER_ONLY,
  Mode.MULTI_NODE_SINGLE_WRITER,
  Mode.MULTI_NODE_MULTI_WRITER,
])

/** @throws INVALID_ARGUMENT a required part is missing or invalid */
export function parseCapability(given: VolumeCapability | undefined): Capability {
  const invalid = (message: string) => grpcError('BAD_REQUEST', message)
  if (!given) throw invalid('volume_capability is missing')
  const mode = given.accessMode?.mode ?? Mode.UNKNOWN
  if (mode === Mode.UNKNOWN) throw invalid('the access mode is missing')
  if (Mode[mode] === undefined) throw invalid(`the access mode ${String(mode)} is not known`)
  const common = { mode, shared: SHARED.has(mode) }
  const { case: kind, value } = given.accessType
  if (kind === 'block') return { ...common, kind, fs: '', options: [], readOnly: READERS.has(mode) }
  if (kind !== 'mount') throw invalid('the access type is missing: block or mount')
  if (value.volumeMountGroup !== '')
    throw invalid('volume_mount_group is not supported: the kubelet applies fsGroup')
  const options = value.mountFlags.flatMap((flags) => splitMountOptions(flags)).map((flag) => flag.trim())
  return {
    ...common,
    kind,
    fs: value.fsType,
    options: options.filter((option) => !['', 'ro', 'rw'].includes(option)),
    readOnly: READERS.has(mode) || options.includes('ro'),
  }
}

/** Why this driver does not support a capability; null if it does. */
export function unsupported({ kind, mode, fs }: Capability): string | null {
  if (fs !== '' && !isFileSystem(fs)) return `the file system ${fs} is not one of ${FILE_SYSTEMS.join(', ')}`
  // The mode does not say which node is the writer, so nothing could keep the readers from writing.
  if (mode === Mode.MULTI_NODE_SINGLE_WRITER)
    return `${Mode[mode]} is not supported: use one node that writes, or only readers`
  if (kind === 'mount' && mode === Mode.MULTI_NODE_MULTI_WRITER)
    return `a second node that writes or reads at the same time destroys ext4 and xfs; ${Mode[mode]} is for block volumes`
  return null
}

/** How to attach the volume. A file system is created later, if there is none. */
export function useOf(capability: Capability, staging: string): VolumeUse {
  const { kind, fs, readOnly, options } = capability
  if (kind === 'block') return { mount: null, fs: null, format: false, readOnly, options: [] }
  return { mount: staging, fs: isFileSystem(fs) ? fs : null, format: false, readOnly, options }
}

function isFileSystem(fs: string): fs is FileSystem {
  return FILE_SYSTEMS.some((known) => known === fs)
}
