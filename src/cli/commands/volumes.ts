import type { VolumeStatus } from '../../model/attachment.ts'
import { isLunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import type { ShownVolume } from '../output/volume.ts'
import { volumeText } from '../output/volume.ts'
import { volumesText } from '../output/volumes.ts'

export const volumesCommand = command({
  name: 'volumes',
  group: 'read',
  summary: 'Show the volumes of this node, or one of them in detail',
  about:
    'Shows the current state of each volume, read from the kernel. HOLD is how long I/O should be held during an outage; EFFECTIVE is how long it would really be held. Changes nothing.',
  usage: ['[NAME]'],
  argument: { name: 'NAME', required: false, completes: 'volume' },
  options: [],
  examples: [
    { command: 'lunkeeper volumes', does: 'all, one per line' },
    { command: 'lunkeeper volumes db', does: 'one, with its paths' },
  ],
  async run(context, { argument }): Promise<ShownVolume | readonly VolumeStatus[]> {
    const { listVolumes, oneVolume } = await import('../../state/view/list.ts')
    const host = await context.host()
    if (argument !== null) {
      const volume = await oneVolume(host, argument)
      // As JSON it is what attach prints; `lunkeeper history NAME --json` has the numbers.
      if (context.json) return volume
      const { outageNumbers } = await import('../../state/view/history.ts')
      try {
        return { ...volume, history: outageNumbers(host, argument) }
      } catch (error) {
        if (!isLunkeeperError(error)) throw error
        context.warn(error.message)
        return volume
      }
    }
    const { volumes, corrupt } = await listVolumes(host)
    for (const { reason } of corrupt) context.warn(reason)
    return volumes
  },
  text: (data, display) => ('name' in data ? volumeText(data, display) : volumesText(data, display)),
})
