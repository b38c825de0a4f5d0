import { create } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'

import { stage } from '../../../../src/csi/node/stage.ts'
import {
  NodeStageVolumeRequestSchema,
  VolumeCapability_AccessMode_Mode as Mode,
} from '../../../../src/csi/protocol/csi_pb.js'
import { publishContextOf } from '../../../../src/csi/volume/publication.ts'
import { fakeNode } from '../../kubernetes/node.ts'
import { driverOn } from './driver.ts'

const attachment = { name: `csi-${'0a'.repeat(32)}`, uid: '1b4e28ba-2fa1-11d2-883f-0016d3cca427' }
const UNGUARDED = /no VolumeAttachment: Kubernetes does not keep other nodes from it/

/** The warnings when a volume is staged whose portals cannot be reached. */
async function warningsOf(publishContext: Record<string, string>, mode = Mode.SINGLE_NODE_MULTI_WRITER) {
  const driver = driverOn(fakeNode().host)
  const call = create(NodeStageVolumeRequestSchema, {
    volumeId: 'orders',
    publishContext,
    stagingTargetPath: '/staging',
    volumeCapability: { accessMode: { mode }, accessType: { case: 'block', value: {} } },
    volumeContext: { targetPortal: '127.0.0.1', iqn: 'iqn.2024-01.example:db', lun: '7' },
  })
  const error: unknown = await stage(driver, call).catch((cause: unknown) => cause)
  return { warnings: driver.warnings.join('\n'), error }
}

it('a volume without a VolumeAttachment is staged with the warning that it is unguarded', async () => {
  expect((await warningsOf({})).warnings).toMatch(UNGUARDED)
})

it('a volume with a VolumeAttachment, or for several nodes, causes no such warning', async () => {
  expect((await warningsOf(publishContextOf(attachment))).warnings).not.toMatch(UNGUARDED)
  expect((await warningsOf({}, Mode.MULTI_NODE_MULTI_WRITER)).warnings).not.toMatch(UNGUARDED)
})

it('an incomplete publish_context is refused before anything is done', async () => {
  const { warnings, error } = await warningsOf({ 'lunkeeper.dev/attachment': attachment.name })
  expect(error).toMatchObject({ code: 'BAD_REQUEST' })
  expect(warnings).toBe('')
})
