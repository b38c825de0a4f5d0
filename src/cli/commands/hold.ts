import type { VolumeStatus } from '../../model/attachment.ts'
import { requireRoot } from '../../host/root.ts'
import { LunkeeperError } from '../../model/errors.ts'
import type { Hold } from '../../model/hold.ts'
import { parseDuration, parseHold } from '../../model/hold.ts'
import { volumesText } from '../output/volumes.ts'
import type { Context } from '../command.ts'
import { command } from '../command.ts'
import { volumeText } from '../output/volume.ts'

const GIVE_UP_WARNING =
  '--give-up: data that is written but not yet on the target is lost, and the file system must be remounted'

/** The agent counts the hold from the start of the outage. */
const SET_0_WARNING =
  '--set 0: I/O fails as soon as no path is usable; I/O that is held now fails immediately'

export const holdCommand = command({
  name: 'hold',
  group: 'change',
  summary: "Show or change how long a volume's I/O is held",
  about:
    'Without a flag: shows whether I/O is held, since when, and when it would fail. --set changes the hold; on a hold map this takes effect immediately, during an outage too. --give-up ends the hold: held I/O fails now. With --all it ends the hold of every volume in an outage, and lists them.',
  usage: ['NAME [--set HOLD | --give-up]', '--all --give-up [--grace TIME] [--shutdown]'],
  argument: { name: 'NAME', required: false, completes: 'volume' },
  options: [
    {
      name: 'set',
      value: 'HOLD',
      help: 'How long I/O is held after the last path is lost: 300s, 10m, 1h30m, forever; at most 31d.',
    },
    { name: 'give-up', help: 'Fail held I/O now. Data that is not yet on the target is lost.' },
    {
      name: 'all',
      help: 'With --give-up: all volumes of this node that are in an outage, as at a shutdown.',
    },
    {
      name: 'grace',
      value: 'TIME',
      help: 'With --all: first wait this long for targets to return, for example 30s or 2m. Default: do not wait.',
    },
    {
      name: 'shutdown',
      help: 'With --all: the machine is shutting down. The limit of --grace also applies to volumes that lose their target later.',
    },
  ],
  examples: [
    { command: 'lunkeeper hold db', does: 'its state, start and deadline' },
    { command: 'lunkeeper hold db --set 2h', does: 'hold longer, effective immediately' },
    { command: 'lunkeeper hold db --give-up', does: 'end the hold' },
    {
      command: 'lunkeeper hold --all --give-up --grace 30s --shutdown',
      does: 'as run by deploy/lunkeeper-shutdown.service',
    },
  ],
  async run(context, { argument, options }): Promise<VolumeStatus | readonly VolumeStatus[]> {
    if (options.all) {
      if (argument !== null || options.set !== undefined || !options['give-up'])
        throw new LunkeeperError('USAGE', '--all requires --give-up, and no NAME')
      if (options.grace === 'forever')
        throw new LunkeeperError('USAGE', '--grace takes a duration; forever is not allowed')
      const grace = parseDuration(options.grace ?? '0', 'grace', 'Examples: 30s, 2m.')
      return giveUpAll(context, { grace: grace * 1000, shutdown: Boolean(options.shutdown) })
    }
    if (options.shutdown) throw new LunkeeperError('USAGE', '--shutdown requires --all')
    if (options.grace !== undefined) throw new LunkeeperError('USAGE', '--grace requires --all')
    if (argument === null) throw new LunkeeperError('USAGE', 'hold requires NAME or --all')
    if (options.set !== undefined && options['give-up'])
      throw new LunkeeperError('USAGE', '--set and --give-up cannot be combined')
    if (options.set !== undefined) return setHold(context, argument, parseHold(options.set))
    if (options['give-up']) return giveUp(context, argument)
    const { oneVolume } = await import('../../state/view/list.ts')
    return oneVolume(await context.host(), argument)
  },
  text(found, display) {
    if (!('length' in found)) return volumeText(found, display)
    return found.length === 0 ? 'No volume is in an outage.\n' : volumesText(found, display)
  },
})

async function setHold(context: Context, name: string, wanted: Hold): Promise<VolumeStatus> {
  requireRoot('changing a hold')
  const host = await context.host()
  const { readyRecord } = await import('../../hold/ready.ts')
  readyRecord(host, name)
  if (wanted === 0) context.warn(SET_0_WARNING)
  const { setHold: set } = await import('../../hold/change.ts')
  return context.operate((operation) => set(host, name, wanted, operation))
}

async function giveUp(context: Context, name: string): Promise<VolumeStatus> {
  requireRoot('ending a hold')
  const host = await context.host()
  const { readyRecord } = await import('../../hold/ready.ts')
  readyRecord(host, name)
  context.warn(GIVE_UP_WARNING)
  const { giveUp: end } = await import('../../hold/give-up.ts')
  return end(host, name, (message) => context.warn(message))
}

async function giveUpAll(
  context: Context,
  how: { readonly grace: number; readonly shutdown: boolean },
): Promise<readonly VolumeStatus[]> {
  requireRoot('ending holds')
  // A shutdown must not hang because of a mistake in a file.
  const host = await context.host({ ignoresConfig: how.shutdown })
  context.warn(GIVE_UP_WARNING)
  const { giveUpAll: end } = await import('../../hold/give-up.ts')
  return context.operate(({ signal }) =>
    end(host, { ...how, warn: (message) => context.warn(message) }, signal),
  )
}
