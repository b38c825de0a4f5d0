import type { ConnectRouter } from '@connectrpc/connect'

import {
  Identity,
  PluginCapability_Service_Type as Service,
  PluginCapability_VolumeExpansion_Type as Expansion,
} from '../protocol/csi_pb.js'
import type { RunCall } from './calls.ts'

export interface Plugin {
  readonly name: string
  readonly version: string
}

/** Who a plugin is, on a node and beside the attacher. @param probe throws what it lacks */
export function identity(
  router: ConnectRouter,
  { name, version }: Plugin,
  runCall: RunCall,
  probe: () => void,
): void {
  router.service(Identity, {
    getPluginInfo: () => ({ name, vendorVersion: version }),
    getPluginCapabilities: () => ({
      capabilities: [
        { type: { case: 'service', value: { type: Service.CONTROLLER_SERVICE } } },
        { type: { case: 'volumeExpansion', value: { type: Expansion.ONLINE } } },
      ],
    }),
    probe: () =>
      runCall('Probe', null, () => {
        probe()
        return { ready: true }
      }),
  })
}
