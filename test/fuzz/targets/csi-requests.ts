import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ConnectError } from '@connectrpc/connect'

import { requirePath, requirePlaceOf, requireText } from '../../../src/csi/node/arguments.ts'
import {
  NodePublishVolumeRequestSchema,
  NodeStageVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
} from '../../../src/csi/protocol/csi_pb.js'
import { toStatus } from '../../../src/csi/status.ts'
import { parseAttributes } from '../../../src/csi/volume/attributes.ts'
import { parseCapability, unsupported, useOf } from '../../../src/csi/volume/capability.ts'
import { credentialsOf } from '../../../src/csi/volume/credentials.ts'
import { volumeNameOf } from '../../../src/csi/volume/name.ts'
import { entitledOwner, parsePublication } from '../../../src/csi/volume/publication.ts'
import { LunkeeperError } from '../../../src/model/errors.ts'
import { splitMountOptions } from '../../../src/model/mount-options.ts'
import { checkRequest } from '../../../src/model/request.ts'
import { Broken, expectOneLine, expectThat } from '../promises.ts'
import type { Target } from '../target.ts'

const SECRET = 'secret-of-twelve'

const STAGE = {
  volumeId: 'pvc-1',
  stagingTargetPath: '/var/lib/kubelet/plugins/kubernetes.io/csi/iscsi.csi.lunkeeper/0/globalmount',
  volumeCapability: {
    accessType: {
      case: 'mount' as const,
      value: { fsType: 'ext4', mountFlags: ['noatime,context="a:c10,c23"'] },
    },
    accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  },
  volumeContext: {
    targetPortal: '10.0.0.5:3260',
    portals: '["10.0.1.5:3260"]',
    iqn: 'iqn.2026-01.example:db',
    lun: '5',
    wwid: 'naa.60014055555555555555555555555555',
    hold: '10m',
    secret: '{"node.session.auth.username":"me"}',
  },
  secrets: { 'node.session.auth.username': 'me', 'node.session.auth.password': SECRET },
  publishContext: {
    'lunkeeper.dev/attachment': `csi-${'0'.repeat(64)}`,
    'lunkeeper.dev/attachment-uid': '11111111-2222-3333-4444-555555555555',
  },
}

/** Requests of a kubelet, as bytes of the protocol. */
export const csiRequests: Target = {
  name: 'csi-requests',
  reads: 'CSI requests (protocol buffers, attributes, capabilities, secrets)',
  seeds: () => [
    Buffer.from(toBinary(NodeStageVolumeRequestSchema, create(NodeStageVolumeRequestSchema, STAGE))),
    Buffer.from(
      toBinary(
        NodePublishVolumeRequestSchema,
        create(NodePublishVolumeRequestSchema, {
          volumeId: 'pvc-1',
          targetPath: '/var/lib/kubelet/pods/1/volumes/x/mount',
          volumeCapability: {
            accessType: { case: 'block', value: {} },
            accessMode: { mode: Mode.MULTI_NODE_MULTI_WRITER },
          },
          volumeContext: { ...STAGE.volumeContext, 'csi.storage.k8s.io/pod.name': 'p' },
          readonly: true,
        }),
      ),
    ),
  ],
  words: [
    ...Object.keys(STAGE.volumeContext),
    'discoveryCHAPAuth',
    'iscsiInterface',
    'fence',
    'off',
    '[fe80::1%eth0]:3260',
    '["',
    '"]',
    '..',
    '/',
    '"',
    ',',
    '\u001b[2J',
  ],
  run(input) {
    const call = decoded(() => fromBinary(NodeStageVolumeRequestSchema, input))
    if (call === null) return
    answered(call.volumeId, () => {
      requireText(call.volumeId, 'volume_id')
      requirePath(call.stagingTargetPath, 'staging_target_path')
    })
    answered(call.volumeId, () => requirePlaceOf(call.volumeId, call.stagingTargetPath, 'target_path'))
    answered(call.volumeId, () => void credentialsOf(call.secrets, call.volumeContext))
    answered(call.volumeId, () => {
      const capability = parseCapability(call.volumeCapability)
      entitledOwner(parsePublication(call.publishContext), capability.mode)
      unsupported(capability)
      const { warnings, ...source } = parseAttributes(call.volumeContext)
      for (const warning of warnings) expectOneLine(warning)
      const name = volumeNameOf(call.volumeId)
      const request = checkRequest({ ...source, name, use: useOf(capability, call.stagingTargetPath) })
      for (const option of request.use.options) {
        expectThat(!['', 'ro', 'rw'].includes(option), 'an option that is none')
        expectThat(splitMountOptions(option).length === 1, `two options in one: ${option}`)
      }
    })
  },
}

/** Bytes that are not a message never reach the driver: connect refuses them. */
function decoded<T>(decode: () => T): T | null {
  try {
    return decode()
  } catch {
    return null
  }
}

/** The answer that the caller gets. */
function answered(volumeId: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    const isOurs =
      error instanceof ConnectError || (error instanceof LunkeeperError && error.code !== 'INTERNAL')
    if (!isOurs) throw error
    const status = toStatus(error, volumeId)
    expectOneLine(status.message)
    if (status.message.includes(SECRET)) throw new Broken('an answer has the secret')
  }
}
