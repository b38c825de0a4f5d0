import type { VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { parseHold } from '../../model/hold.ts'
import { command } from '../command.ts'
import { volumeText } from '../output/volume.ts'

const GIVE_UP_LOSES =
  '--give-up: what is written and not yet on the target is lost, and the file system must be mounted anew'

export const holdCommand = command({
  name: 'hold',
  group: 'change',
  summary: 'Show or change how long a volume waits for its target',
  about:
    'Without a flag: shows whether the volume waits for its target, since when, and when its I/O would fail. --set changes the hold at once, in an outage too where the volume is on a hold map. --give-up ends the wait: what waits fails now.',
  usage: ['NAME [--set HOLD | --give-up]'],
  argument: { name: 'NAME', required: true, completes: 'volume' },
  options: [
    {
      name: 'set',
      value: 'HOLD',
      help: 'How long I/O waits from the loss of the last path on: 300s, 10m, 1h, forever.',
    },
    { name: 'give-up', help: 'Let the I/O that waits fail now. What was not yet on the target is lost.' },
  ],
  examples: [
    { command: 'lunkeeper hold db', does: 'its state, since when, until when' },
    { command: 'lunkeeper hold db --set 2h', does: 'wait longer, from now on' },
    { command: 'lunkeeper hold db --give-up', does: 'stop waiting' },
  ],
  async run(context, { argument, options }): Promise<VolumeStatus> {
    const wanted = options.set === undefined ? null : parseHold(options.set)
    if (wanted !== null && options['give-up'])
      throw new LunkeeperError('USAGE', '--set and --give-up contradict each other')
    const host = await context.host()
    if (wanted === null && !options['give-up']) {
      const { oneVolume } = await import('../../volumes/list.ts')
      return oneVolume(host, argument!)
    }
    const { giveUp, setHold } = await import('../../hold/change.ts')
    if (wanted !== null) return context.operate((told) => setHold(host, argument!, wanted, told))
    context.warn(GIVE_UP_LOSES)
    return giveUp(host, argument!)
  },
  text: volumeText,
})
