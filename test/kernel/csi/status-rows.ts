import { dirname } from 'node:path'

import type { Claim } from './kubelet.ts'
import { block, mountable, publishing, staging, stagingPath } from './kubelet.ts'
import { isEverything } from '../node.ts'

/** A failing call: its name in the specification, the call, its status and part of its message. */
export type Row = readonly [what: string, method: string, request: () => object, code: string, says: RegExp]

/** The volumes of the test: those of one target, one of a target that requires CHAP, and one in use. */
export interface Scene {
  readonly claim: (volumeId: string, lun: number) => Claim
  /** A volume that is not here yet. */
  readonly fresh: () => Claim
  readonly withContext: (volume: Claim, changed: Record<string, string>) => Claim
  readonly used: () => Claim
  readonly usedAt: string
  /** Name of the target that requires CHAP. */
  readonly closed: () => string
  readonly wrong: Record<string, string>
}

/** The statuses that the specification lists, under the headings of its sections. */
export function statusRows(scene: Scene): readonly (readonly [section: string, rows: readonly Row[]])[] {
  const { claim, fresh, withContext, usedAt } = scene
  /** iscsid retries for a quarter of a minute. */
  const UNKNOWN_TARGET: readonly Row[] = [
    [
      'Volume does not exist',
      'nodeStageVolume',
      () => staging(withContext(fresh(), { iqn: 'iqn.2026-01.example:missing' })),
      'NotFound',
      /TARGET_NOT_FOUND/,
    ],
  ]

  return [
    [
      'Error Scheme',
      [
        ['Missing required field', 'nodeStageVolume', () => ({}), 'InvalidArgument', /volume_id/],
        [
          'Missing required field',
          'nodeStageVolume',
          () => ({ ...staging(fresh()), stagingTargetPath: '' }),
          'InvalidArgument',
          /staging_target_path/,
        ],
        [
          'Missing required field',
          'nodeStageVolume',
          () => ({ ...staging(fresh()), volumeCapability: undefined }),
          'InvalidArgument',
          /volume_capability/,
        ],
        [
          'Missing required field',
          'nodeStageVolume',
          () => staging(withContext(fresh(), { iqn: '' })),
          'InvalidArgument',
          /iqn is missing/,
        ],
        ['Missing required field', 'nodeUnstageVolume', () => ({ volumeId: 'x' }), 'InvalidArgument', /path/],
        [
          'Missing required field',
          'nodeUnpublishVolume',
          () => ({ volumeId: 'x' }),
          'InvalidArgument',
          /path/,
        ],
        [
          'Invalid or unsupported field',
          'nodePublishVolume',
          () => ({ ...publishing(scene.used(), 'pod-b'), targetPath: '/var/lib/kubelet/../../etc' }),
          'InvalidArgument',
          /not an absolute path/,
        ],
        [
          'Invalid or unsupported field',
          'nodeStageVolume',
          () => staging({ ...fresh(), volumeCapability: mountable('ext4', 'SINGLE_NODE_WRITER', ['bind']) }),
          'InvalidArgument',
          /bind/,
        ],
        [
          'Not authenticated',
          'nodeStageVolume',
          () =>
            staging({
              ...withContext(claim('x', 3), { iqn: scene.closed() }),
              secrets: scene.wrong,
            }),
          'Unauthenticated',
          /CHAP_FAILED/,
        ],
      ],
    ],
    [
      'NodeStageVolume Errors',
      [
        ['Volume does not exist', 'nodeStageVolume', () => staging(claim('x', 9)), 'NotFound', /LUN_ABSENT/],
        ...(isEverything ? UNKNOWN_TARGET : []),
        [
          'Volume published but is incompatible',
          'nodeStageVolume',
          () => staging({ ...scene.used(), volumeCapability: mountable('ext4', 'MULTI_NODE_READER_ONLY') }),
          'AlreadyExists',
          /read-write/,
        ],
        [
          'Volume published but is incompatible',
          'nodeStageVolume',
          () => staging({ ...scene.used(), volumeCapability: mountable('xfs') }),
          'AlreadyExists',
          /ext4/,
        ],
        [
          'Volume published but is incompatible',
          'nodeStageVolume',
          () => staging({ ...scene.used(), volumeCapability: block() }),
          'AlreadyExists',
          /mounted/,
        ],
        [
          'Exceeds capabilities',
          'nodeStageVolume',
          () => staging({ ...fresh(), volumeCapability: mountable('ext4', 'MULTI_NODE_MULTI_WRITER') }),
          'FailedPrecondition',
          /second node/,
        ],
        [
          'Exceeds capabilities',
          'nodeStageVolume',
          () => ({ ...staging(scene.used()), stagingTargetPath: '/var/lib/kubelet/elsewhere' }),
          'FailedPrecondition',
          /mounted at/,
        ],
        [
          'another volume than expected',
          'nodeStageVolume',
          () => staging(withContext(fresh(), { serial: 'bbbb' })),
          'FailedPrecondition',
          /IDENTITY_MISMATCH/,
        ],
        [
          'a LUN that another volume id has',
          'nodeStageVolume',
          () => staging(claim('twin', 1)),
          'FailedPrecondition',
          /ATTACHED_ALREADY/,
        ],
        [
          'no server at the portal',
          'nodeStageVolume',
          () => staging(withContext(fresh(), { targetPortal: '127.0.0.1:3999' })),
          'Unavailable',
          /PORTAL_REFUSED/,
        ],
      ],
    ],
    [
      'NodeUnstageVolume Errors',
      [
        [
          'still published',
          'nodeUnstageVolume',
          () => ({ volumeId: 'used', stagingTargetPath: stagingPath('used') }),
          'FailedPrecondition',
          /pod-a/,
        ],
      ],
    ],
    [
      'NodePublishVolume Errors',
      [
        [
          'not staged',
          'nodePublishVolume',
          () => publishing(fresh(), 'pod-a'),
          'FailedPrecondition',
          /not staged/,
        ],
        [
          'Volume published but is incompatible',
          'nodePublishVolume',
          () => ({ ...publishing(scene.used(), 'pod-a'), readonly: true }),
          'AlreadyExists',
          /other settings/,
        ],
        [
          'Exceeds capabilities: a second target path',
          'nodePublishVolume',
          () =>
            publishing(
              { ...scene.used(), volumeCapability: mountable('ext4', 'SINGLE_NODE_SINGLE_WRITER') },
              'pod-b',
            ),
          'FailedPrecondition',
          /only one target path/,
        ],
        [
          'Exceeds capabilities: a second target path',
          'nodePublishVolume',
          () =>
            publishing(
              { ...scene.used(), volumeCapability: mountable('ext4', 'SINGLE_NODE_WRITER') },
              'pod-b',
            ),
          'FailedPrecondition',
          /only one target path/,
        ],
        [
          'another capability than it is staged with',
          'nodePublishVolume',
          () => publishing({ ...scene.used(), volumeCapability: block() }, 'pod-b'),
          'FailedPrecondition',
          /mount volume/,
        ],
        [
          'Staging target path not set',
          'nodePublishVolume',
          () => ({ ...publishing(scene.used(), 'pod-b'), stagingTargetPath: '' }),
          'FailedPrecondition',
          /staging_target_path/,
        ],
        [
          'a target path with something in it',
          'nodePublishVolume',
          () => ({ ...publishing(scene.used(), 'x'), targetPath: dirname(dirname(stagingPath('used'))) }),
          'InvalidArgument',
          /not empty/,
        ],
      ],
    ],
    [
      'NodeUnpublishVolume Errors',
      [
        [
          'a mount of another program',
          'nodeUnpublishVolume',
          () => ({ volumeId: 'used', targetPath: '/proc' }),
          'FailedPrecondition',
          /not used/,
        ],
        [
          "another volume's mount",
          'nodeUnpublishVolume',
          () => ({ volumeId: 'other', targetPath: usedAt }),
          'FailedPrecondition',
          /not other/,
        ],
        [
          'where it is staged',
          'nodeUnpublishVolume',
          () => ({ volumeId: 'used', targetPath: stagingPath('used') }),
          'FailedPrecondition',
          /staged/,
        ],
      ],
    ],
    [
      'NodeGetVolumeStats Errors',
      [
        [
          'Missing required field',
          'nodeGetVolumeStats',
          () => ({ volumeId: 'used' }),
          'InvalidArgument',
          /path/,
        ],
        [
          'Volume does not exist',
          'nodeGetVolumeStats',
          () => ({ volumeId: 'no-volume', volumePath: usedAt }),
          'NotFound',
          /no-volume/,
        ],
        [
          'Volume does not exist',
          'nodeGetVolumeStats',
          () => ({ volumeId: 'used', volumePath: '/var/lib/kubelet/not-here' }),
          'NotFound',
          /not-here/,
        ],
      ],
    ],
    [
      'NodeExpandVolume Errors',
      [
        [
          'Exceeds capabilities',
          'nodeExpandVolume',
          () => ({ volumeId: 'used', volumePath: usedAt, volumeCapability: block() }),
          'InvalidArgument',
          /mount volume/,
        ],
        [
          'Volume does not exist',
          'nodeExpandVolume',
          () => ({ volumeId: 'no-volume', volumePath: usedAt }),
          'NotFound',
          /no-volume/,
        ],
        [
          'Unsupported capacity_range',
          'nodeExpandVolume',
          () => ({ volumeId: 'used', volumePath: usedAt, capacityRange: { requiredBytes: '99999999999' } }),
          'OutOfRange',
          /enlarge the LUN there first/,
        ],
        [
          'Unsupported capacity_range',
          'nodeExpandVolume',
          () => ({ volumeId: 'used', volumePath: usedAt, capacityRange: { limitBytes: '1000' } }),
          'OutOfRange',
          /limit/,
        ],
      ],
    ],
  ]
}
