import type { ConnectRouter } from '@connectrpc/connect'

import { Controller, ControllerServiceCapability_RPC_Type as Rpc } from '../protocol/csi_pb.js'
import type { RunCall } from '../server/calls.ts'
import type { Publisher } from './publish.ts'
import { validate } from './validate.ts'

/**
 * The controller service. It does not create or delete volumes.
 * @param publisher null on a node, which does not serve ControllerPublishVolume
 */
export function controller(router: ConnectRouter, runCall: RunCall, publisher: Publisher | null): void {
  const rpcs = [...(publisher ? [Rpc.PUBLISH_UNPUBLISH_VOLUME] : []), Rpc.SINGLE_NODE_MULTI_WRITER]
  router.service(Controller, {
    controllerGetCapabilities: () => ({
      capabilities: rpcs.map((type) => ({ type: { case: 'rpc' as const, value: { type } } })),
    }),
    validateVolumeCapabilities: (call) =>
      runCall('ValidateVolumeCapabilities', call.volumeId, () => {
        const message = validate(call)
        const { volumeContext, volumeCapabilities, parameters, mutableParameters } = call
        const confirmed = { volumeContext, volumeCapabilities, parameters, mutableParameters }
        return message === null ? { confirmed } : { message }
      }),
    ...(publisher && {
      controllerPublishVolume: (call, { signal }) =>
        runCall('ControllerPublishVolume', call.volumeId, async () => ({
          publishContext: await publisher.publish(call, signal),
        })),
      controllerUnpublishVolume: (call) =>
        runCall('ControllerUnpublishVolume', call.volumeId, () => {
          publisher.unpublish(call)
          return {}
        }),
    }),
  })
}
