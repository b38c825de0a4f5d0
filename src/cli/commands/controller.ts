import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import { DRIVER, parseDriverName } from '../input/driver-name.ts'
import { version } from '../version.ts'

export const controllerCommand = command({
  name: 'controller',
  group: 'change',
  summary: 'Give volumes to nodes, beside the external-attacher',
  about:
    'Runs until it is told to stop, as a pod of Kubernetes. It answers the calls ControllerPublishVolume and ControllerUnpublishVolume of the external-attacher beside it: a volume for one node is given to one node, as long as its VolumeAttachment exists. It keeps nothing, needs no iSCSI and talks to no target, only to the Kubernetes API, with the service account of its pod.',
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
      throw new LunkeeperError('USAGE', 'It has nothing to serve without --csi-endpoint', {
        hint: 'Add --csi-endpoint unix:///PATH.',
      })
    const { parseEndpoint } = await import('../../csi/server/endpoint.ts')
    const { podAccount } = await import('../../kubernetes/api/account.ts')
    const { serveUntil } = await import('../operation/serve-controller.ts')
    const stop = new AbortController()
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.once(name, () => stop.abort(new LunkeeperError('CANCELLED', `stopped by ${name}`)))
    await serveUntil(
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
