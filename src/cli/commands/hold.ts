import type { VolumeStatus } from '../../model/attachment.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { parseHold } from '../../model/hold.ts'
import { volumesText } from '../output/volumes.ts'
import { command } from '../command.ts'
import { volumeText } from '../output/volume.ts'

const GIVE_UP_LOSES =
  '--give-up: what is written and not yet on the target is lost, and the file system must be mounted anew'

export const holdCommand = command({
  name: 'hold',
  group: 'change',
  summary: 'Show or change how long a volume waits for its target',
  about:
    'Without a flag: shows whether the volume waits for its target, since when, and when its I/O would fail. --set changes the hold at once, in an outage too where the volume is on a hold map. --give-up ends the wait: what waits fails now; with --all that of every volume, and the volumes concerned are listed.',
  usage: ['NAME [--set HOLD | --give-up]', '--all --give-up [--grace TIME] [--shutdown]'],
  argument: { name: 'NAME', required: false, completes: 'volume' },
  options: [
    {
      name: 'set',
      value: 'HOLD',
      help: 'How long I/O waits from the loss of the last path on: 300s, 10m, 1h, forever.',
    },
    { name: 'give-up', help: 'Let the I/O that waits fail now. What was not yet on the target is lost.' },
    { name: 'all', help: 'With --give-up: all volumes of this node that wait, as at a shutdown.' },
    {
      name: 'grace',
      value: 'TIME',
      help: 'With --all: wait so long for their targets before: 30s, 2m. At once if left out.',
    },
    {
      name: 'shutdown',
      help: 'With --all: the machine goes down; volumes whose target is lost from now on wait no longer than that either.',
    },
  ],
  examples: [
    { command: 'lunkeeper hold db', does: 'its state, since when, until when' },
    { command: 'lunkeeper hold db --set 2h', does: 'wait longer, from now on' },
    { command: 'lunkeeper hold db --give-up', does: 'stop waiting' },
    {
      command: 'lunkeeper hold --all --give-up --grace 30s --shutdown',
      does: 'as deploy/lunkeeper-shutdown.service ends every wait',
    },
  ],
  async run(context, { argument, options }): Promise<VolumeStatus | readonly VolumeStatus[]> {
    if (options.all) {
      if (argument !== null || options.set !== undefined || !options['give-up'])
        throw new LunkeeperError('USAGE', '--all goes with --give-up, and without a NAME')
      const grace = parseHold(options.grace ?? '0')
      if (grace === 'forever') throw new LunkeeperError('USAGE', '--grace is a time, not forever')
      context.warn(GIVE_UP_LOSES)
      const { giveUpAll } = await import('../../hold/give-up-all.ts')
      const host = await context.host()
      return context.operate(({ signal }) =>
        giveUpAll(host, { grace: grace * 1000, shutdown: Boolean(options.shutdown) }, signal),
      )
    }
    if (options.shutdown) throw new LunkeeperError('USAGE', '--shutdown goes with --all')
    if (options.grace !== undefined) throw new LunkeeperError('USAGE', '--grace goes with --all')
    if (argument === null) throw new LunkeeperError('USAGE', 'hold needs NAME, or --all')
    const wanted = options.set === undefined ? null : parseHold(options.set)
    if (wanted !== null && options['give-up'])
      throw new LunkeeperError('USAGE', '--set and --give-up contradict each other')
    const host = await context.host()
    if (wanted === null && !options['give-up']) {
      const { oneVolume } = await import('../../state/view/list.ts')
      return oneVolume(host, argument)
    }
    const { giveUp, setHold } = await import('../../hold/change.ts')
    if (wanted !== null) return context.operate((told) => setHold(host, argument, wanted, told))
    context.warn(GIVE_UP_LOSES)
    return giveUp(host, argument)
  },
  text(found, look) {
    if (!('length' in found)) return volumeText(found, look)
    return found.length === 0 ? 'No volume waits for its target.\n' : volumesText(found, look)
  },
})
