import type { ConnectError, ConnectRouter } from '@connectrpc/connect'

import { validate } from '../controller.ts'
import type { Driver } from '../driver.ts'
import { probe } from '../identity.ts'
import { expand } from '../node/expand.ts'
import { health } from '../node/health.ts'
import { publish } from '../node/publish.ts'
import { stage } from '../node/stage.ts'
import { stats } from '../node/stats.ts'
import { unpublish } from '../node/unpublish.ts'
import { unstage } from '../node/unstage.ts'
import {
  Controller,
  ControllerServiceCapability_RPC_Type as ControllerRpc,
  Identity,
  Node,
  NodeServiceCapability_RPC_Type as NodeRpc,
  PluginCapability_Service_Type as Service,
  PluginCapability_VolumeExpansion_Type as Expansion,
} from '../protocol/csi_pb.js'
import { toStatus } from '../status.ts'

/** What is told of each call when it has ended. `error` is null where it went well. */
export interface CallEnd {
  readonly method: string
  readonly volumeId: string | null
  readonly milliseconds: number
  readonly error: ConnectError | null
  /** What was thrown, for the log; it may be a mistake of ours. */
  readonly cause: unknown
}

/** Calls that change a volume: one at a time for each volume. */
type Change = { readonly volumeId: string }

/** Every call of the protocol. Requests are never logged: they carry secrets. */
export function routes(driver: Driver, ended: (end: CallEnd) => void) {
  async function told<T>(method: string, volumeId: string | null, work: () => T | Promise<T>): Promise<T> {
    const started = performance.now()
    const end = (error: ConnectError | null, cause: unknown) =>
      ended({ method, volumeId, milliseconds: performance.now() - started, error, cause })
    try {
      const result = await work()
      end(null, null)
      return result
    } catch (cause) {
      const error = toStatus(cause)
      end(error, cause)
      throw error
    }
  }

  /** Its answer does not wait for a caller: one that has gone away finds the work done when it comes back. */
  function changes<C extends Change, T>(method: string, work: (driver: Driver, call: C) => Promise<T>) {
    return (call: C) =>
      told(method, call.volumeId, () =>
        call.volumeId === ''
          ? work(driver, call)
          : driver.turns.run(call.volumeId, method, () => work(driver, call)),
      )
  }

  const nothing = async (work: Promise<void>) => {
    await work
    return {}
  }

  return (router: ConnectRouter): void => {
    router.service(Identity, {
      getPluginInfo: () => ({ name: driver.name, vendorVersion: driver.version }),
      getPluginCapabilities: () => ({
        capabilities: [
          { type: { case: 'service', value: { type: Service.CONTROLLER_SERVICE } } },
          { type: { case: 'volumeExpansion', value: { type: Expansion.ONLINE } } },
        ],
      }),
      probe: () =>
        told('Probe', null, () => {
          probe(driver)
          return { ready: true }
        }),
    })
    router.service(Controller, {
      controllerGetCapabilities: () => ({
        capabilities: [{ type: { case: 'rpc', value: { type: ControllerRpc.SINGLE_NODE_MULTI_WRITER } } }],
      }),
      validateVolumeCapabilities: (call) =>
        told('ValidateVolumeCapabilities', call.volumeId, () => {
          const message = validate(call)
          const { volumeContext, volumeCapabilities, parameters, mutableParameters } = call
          const confirmed = { volumeContext, volumeCapabilities, parameters, mutableParameters }
          return message === null ? { confirmed } : { message }
        }),
    })
    router.service(Node, {
      nodeGetInfo: () => ({ nodeId: driver.nodeId }),
      nodeGetCapabilities: () => ({
        capabilities: [
          NodeRpc.STAGE_UNSTAGE_VOLUME,
          NodeRpc.GET_VOLUME_STATS,
          NodeRpc.EXPAND_VOLUME,
          NodeRpc.VOLUME_CONDITION,
          NodeRpc.SINGLE_NODE_MULTI_WRITER,
          NodeRpc.GET_VOLUME_HEALTH,
        ].map((type) => ({ type: { case: 'rpc' as const, value: { type } } })),
      }),
      nodeStageVolume: changes('NodeStageVolume', (driver, call) => nothing(stage(driver, call))),
      nodeUnstageVolume: changes('NodeUnstageVolume', (driver, call) => nothing(unstage(driver, call))),
      nodePublishVolume: changes('NodePublishVolume', (driver, call) => nothing(publish(driver, call))),
      nodeUnpublishVolume: changes('NodeUnpublishVolume', (driver, call) => nothing(unpublish(driver, call))),
      nodeExpandVolume: changes('NodeExpandVolume', async (driver, call) => ({
        capacityBytes: await expand(driver, call),
      })),
      nodeGetVolumeHealth: (call) => told('NodeGetVolumeHealth', call.volumeId, () => health(driver, call)),
      nodeGetVolumeStats: (call) => told('NodeGetVolumeStats', call.volumeId, () => stats(driver, call)),
    })
  }
}
