import { requireRoot } from '../../host/root.ts'
import type { DetachReport } from '../../model/attachment.ts'
import { command } from '../command.ts'
import { detachText } from '../output/detached.ts'

const FORCE_WARNING =
  '--force: unwritten data that the target cannot accept is lost permanently, and mounts made by others are unmounted'

export const detachCommand = command({
  name: 'detach',
  group: 'change',
  summary: 'Detach a volume from this node, leaving nothing behind',
  about:
    'Unmounts the volume, verifies that all data is written and confirmed, and removes its map, its disks, sessions that are no longer needed, and its record. Refuses while the volume is in use, and names the users. After a failure or a crash, run it again: it continues from the current state.',
  usage: ['NAME|MOUNTPOINT|DEVICE [--force]'],
  argument: { name: 'NAME|MOUNTPOINT|DEVICE', required: true, completes: 'volume' },
  options: [
    {
      name: 'force',
      help: 'Continue even if the target cannot accept unwritten data: that data is lost. Mounts made by others are unmounted, too.',
    },
  ],
  examples: [
    { command: 'lunkeeper detach db', does: 'by name' },
    { command: 'lunkeeper detach /srv/db', does: 'by mount point' },
    { command: 'lunkeeper detach /dev/sdc', does: 'by device, also without a record' },
  ],
  async run(context, { argument, options }): Promise<DetachReport> {
    const force = options.force ?? false
    const { detach } = await import('../../volumes/detach/detach.ts')
    const host = await context.host()
    if (force) {
      requireRoot('detaching a volume')
      const { findVolume } = await import('../../volumes/detach/find.ts')
      findVolume(host, argument!)
      context.warn(FORCE_WARNING)
    }
    return context.operate((operation) => detach(host, argument!, { force, ...operation }))
  },
  text: detachText,
})
