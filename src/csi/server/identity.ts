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

/** The identity service, of a node and of the controller. @param probe throws if something is missing */
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
