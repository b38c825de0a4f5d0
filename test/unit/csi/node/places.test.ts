import { create } from '@bufbuild/protobuf'
import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, it } from 'vitest'

import { expandStaged } from '../../../../src/csi/node/expand.ts'
import { health } from '../../../../src/csi/node/health.ts'
import { stats } from '../../../../src/csi/node/stats.ts'
import {
  NodeExpandVolumeRequestSchema,
  NodeGetVolumeHealthRequestSchema,
  NodeGetVolumeStatsRequestSchema,
  VolumeUsage_Unit as Unit,
} from '../../../../src/csi/protocol/csi_pb.js'
import { volumeNameOf } from '../../../../src/csi/volume/name.ts'
import { holdMapName } from '../../../../src/host/map/hold-map.ts'
import { fakeNode, staged } from '../../kubernetes/node.ts'
import { driverOn } from './driver.ts'

const name = volumeNameOf('orders')
const PUBLISHED = '/var/lib/kubelet/plugins/kubernetes.io/csi/volumeDevices/publish/orders/uid-a'

/** A block volume of 64 MiB that is staged and published. */
function node() {
  const made = fakeNode()
  made.file('sys/block/dm-0/dm/name', `${holdMapName(name)}\n`)
  made.file('sys/block/dm-0/dm/uuid', `${holdMapName(name)}\n`)
  made.record({
    ...staged,
    name,
    request: { ...staged.request, name },
    identity: { wwid: null, serial: 'x', bytes: 64 << 20 },
  })
  made.mounts(`0:5 /dm-0 ${PUBLISHED} rw - devtmpfs devtmpfs rw`)
  return driverOn(made.host)
}

const calls = {
  stats: (volumeId: string, volumePath: string) =>
    stats(node(), create(NodeGetVolumeStatsRequestSchema, { volumeId, volumePath })),
  expand: (volumeId: string, volumePath: string) =>
    expandStaged(node(), create(NodeExpandVolumeRequestSchema, { volumeId, volumePath })),
  health: (volumeId: string, volumePublishPath: string) =>
    health(node(), create(NodeGetVolumeHealthRequestSchema, { volumeId, volumePublishPath })),
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => Code[ConnectError.from(error).code],
  )

describe('a call with the path of a volume', () => {
  it.each(['some/path', './x', '/a/../b', '/', 'x\0'])(
    'is NOT_FOUND for "%s", at which no volume can be',
    async (path) => {
      for (const call of Object.values(calls)) expect(await codeOf(call('absent', path))).toBe('NotFound')
      for (const call of [calls.stats, calls.expand])
        expect(await codeOf(call('orders', path))).toBe('NotFound')
    },
  )

  it('is INVALID_ARGUMENT without a path', async () => {
    for (const call of [calls.stats, calls.expand])
      for (const volume of ['absent', 'orders'])
        expect(await codeOf(call(volume, ''))).toBe('InvalidArgument')
  })
})

it('all of a block volume is reported as available, because a kubelet shows a missing value as 0', async () => {
  const { usage } = await calls.stats('orders', PUBLISHED)
  expect(usage).toEqual([{ unit: Unit.BYTES, total: 67108864n, available: 67108864n }])
})
