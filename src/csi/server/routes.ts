import type { ConnectRouter } from '@connectrpc/connect'

import { controller } from '../controller/routes.ts'
import type { Driver } from '../driver.ts'
import { probe } from '../probe.ts'
import { expandStaged } from '../node/expand.ts'
import { health } from '../node/health.ts'
import { publish } from '../node/publish.ts'
import { stage } from '../node/stage.ts'
import { stats } from '../node/stats.ts'
import { unpublish } from '../node/unpublish.ts'
import { unstage } from '../node/unstage.ts'
import { Node, NodeServiceCapability_RPC_Type as NodeRpc } from '../protocol/csi_pb.js'
import type { RunCall } from './calls.ts'
import { identity } from './identity.ts'

/** A call that changes a volume. One runs at a time for each volume. */
type Change = { readonly volumeId: string }

/** All calls that a node serves. Requests are never logged, because they contain secrets. */
export function routes(driver: Driver, runCall: RunCall) {
  /** The call continues if its caller disconnects; a retry finds it complete. */
  function changes<C extends Change, T>(method: string, work: (driver: Driver, call: C) => Promise<T>) {
    return (call: C) =>
      runCall(method, call.volumeId, () =>
        call.volumeId === ''
          ? work(driver, call)
          : driver.volumeCalls.run(call.volumeId, method, () => work(driver, call)),
      )
  }

  const nothing = async (work: Promise<void>) => {
    await work
    return {}
  }

  return (router: ConnectRouter): void => {
    identity(router, driver, runCall, () => probe(driver))
    controller(router, runCall, null)
    router.service(Node, {
      nodeGetInfo: () => ({ nodeId: driver.nodeId }),
      nodeGetCapabilities: () => ({
        capabilities: [
          NodeRpc.STAGE_UNSTAGE_VOLUME,
          NodeRpc.GET_VOLUME_STATS,
          NodeRpc.EXPAND_VOLUME,
          NodeRpc.VOLUME_CONDITION,
          NodeRpc.SINGLE_NODE_MULTI_WRITER,
          // Alpha: a caller that knows only the specification before 1.13 would treat it as an error.
          ...(driver.announceHealth ? [NodeRpc.GET_VOLUME_HEALTH] : []),
        ].map((type) => ({ type: { case: 'rpc' as const, value: { type } } })),
      }),
      nodeStageVolume: changes('NodeStageVolume', (driver, call) => nothing(stage(driver, call))),
      nodeUnstageVolume: changes('NodeUnstageVolume', (driver, call) => nothing(unstage(driver, call))),
      nodePublishVolume: changes('NodePublishVolume', (driver, call) => nothing(publish(driver, call))),
      nodeUnpublishVolume: changes('NodeUnpublishVolume', (driver, call) => nothing(unpublish(driver, call))),
      nodeExpandVolume: changes('NodeExpandVolume', async (driver, call) => ({
        capacityBytes: await expandStaged(driver, call),
      })),
      nodeGetVolumeHealth: (call) =>
        runCall('NodeGetVolumeHealth', call.volumeId, () => health(driver, call)),
      nodeGetVolumeStats: (call) => runCall('NodeGetVolumeStats', call.volumeId, () => stats(driver, call)),
    })
  }
}
