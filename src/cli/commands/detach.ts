import type { DetachReport } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { detachText } from '../output/detached.ts'

const FORCE_LOSES =
  '--force: unwritten data that the target cannot take is lost for good, and mounts made by others are unmounted'

export const detachCommand = command({
  name: 'detach',
  group: 'change',
  summary: 'Take a volume off this node, leaving nothing behind',
  about:
    'Unmounts the volume, sees all its data written and confirmed, and removes its map, its disks, the sessions that nobody else needs and its record. Refuses while somebody uses it, and says who. Run again after a failure or a crash, it goes on from what is there.',
  usage: ['NAME|MOUNTPOINT|DEVICE [--force]'],
  argument: { name: 'NAME|MOUNTPOINT|DEVICE', required: true, completes: 'volume' },
  options: [
    {
      name: 'force',
      help: 'Go on where the target cannot take what is unwritten: that data is lost. Mounts that others made are unmounted, too.',
    },
  ],
  examples: [
    { command: 'lunkeeper detach db', does: 'by name' },
    { command: 'lunkeeper detach /srv/db', does: 'by mount point' },
    { command: 'lunkeeper detach /dev/sdc', does: 'by device, also one that no record knows' },
  ],
  async run(context, { argument, options }): Promise<DetachReport> {
    const force = options.force ?? false
    if (force) context.warn(FORCE_LOSES)
    const { detach } = await import('../../volumes/detach/detach.ts')
    const host = await context.host()
    return context.operate((told) => detach(host, argument!, { force, ...told }))
  },
  text: detachText,
})
