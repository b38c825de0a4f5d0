import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import { DRIVER, parseDriverName } from '../input/driver-name.ts'
import { version } from '../version.ts'

export const controllerCommand = command({
  name: 'controller',
  group: 'change',
  summary: 'Publish each Kubernetes volume to one node at a time',
  about:
    'Runs in a Kubernetes pod until it is stopped. It serves the CSI calls ControllerPublishVolume and ControllerUnpublishVolume to the external-attacher in the same pod: a single-node volume is published to one node at a time, for as long as its VolumeAttachment exists. The controller keeps no persistent state and does not contact targets. It uses only the Kubernetes API, with the service account of its pod.',
  usage: ['--csi-endpoint unix:///PATH'],
  options: [
    {
      name: 'csi-endpoint',
      value: 'unix:///PATH',
      help: 'Serve the Container Storage Interface on this socket. Required.',
    },
    {
      name: 'csi-driver',
      value: 'NAME',
      help: `The driver's name, as configured for the agents. Default: ${DRIVER}.`,
    },
  ],
  examples: [
    {
      command: 'lunkeeper controller --csi-endpoint unix:///csi/csi.sock',
      does: 'as deploy/kubernetes/base starts it',
    },
  ],
  async run(context, { options }): Promise<null> {
    const { 'csi-endpoint': endpoint, 'csi-driver': driver } = options
    if (endpoint === undefined)
      throw new LunkeeperError('USAGE', 'controller requires --csi-endpoint', {
        hint: 'Add --csi-endpoint unix:///PATH.',
      })
    const { parseEndpoint } = await import('../../csi/server/endpoint.ts')
    const { podAccount } = await import('../../kubernetes/api/account.ts')
    const { runController } = await import('../operation/serve-controller.ts')
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.once(name, () => stop.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`)))
    await runController(
      {
        endpoint: parseEndpoint(endpoint),
        driver: parseDriverName(driver),
        version: version(),
        account: podAccount(),
      },
      (line) => context.say(line),
      stop.signal,
    )
    return null
  },
  text: () => '',
})
