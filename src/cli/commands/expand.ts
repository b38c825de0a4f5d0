import type { ExpandReport } from '../../volumes/expand.ts'
import { command } from '../command.ts'
import { formatBytes } from '../../model/bytes.ts'

export const expandCommand = command({
  name: 'expand',
  group: 'change',
  summary: 'Resize a volume after its LUN grew on the target',
  about:
    'First grow the LUN on the storage system. Then every path, the map and the mounted file system are resized while the volume stays in use. A LUN that shrank, or that is another volume, is refused before anything changes.',
  usage: ['NAME'],
  argument: { name: 'NAME', required: true, completes: 'volume' },
  options: [],
  examples: [{ command: 'lunkeeper expand db', does: 'the volume named db' }],
  async run(context, { argument }): Promise<ExpandReport> {
    const { expand } = await import('../../volumes/expand.ts')
    const host = await context.host()
    return context.operate((operation) => expand(host, argument!, operation))
  },
  text({ name, expanded: { from, to } }) {
    if (from === to) return `${name} has ${formatBytes(to)} already; nothing to do.\n`
    return `${name} grew from ${formatBytes(from)} to ${formatBytes(to)}.\n`
  },
})
