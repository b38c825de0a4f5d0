import type { ExpandReport } from '../../volumes/expand.ts'
import { command } from '../command.ts'
import { formatBytes } from '../output/bytes.ts'

export const expandCommand = command({
  name: 'expand',
  group: 'change',
  summary: 'Take over the size that a LUN has been given on its target',
  about:
    'Grow the LUN on the storage system first. Then every path, the map and the mounted file system take its new size, while the volume stays in use. A LUN that became smaller, or another volume, is refused before anything changes.',
  usage: ['NAME'],
  argument: { name: 'NAME', required: true, completes: 'volume' },
  options: [],
  examples: [{ command: 'lunkeeper expand db', does: 'the volume named db' }],
  async run(context, { argument }): Promise<ExpandReport> {
    const { expand } = await import('../../volumes/expand.ts')
    const host = await context.host()
    return context.operate((told) => expand(host, argument!, told))
  },
  text({ name, expanded: { from, to } }) {
    if (from === to) return `${name} has ${formatBytes(to)} already; there was nothing to do.\n`
    return `${name} grew from ${formatBytes(from)} to ${formatBytes(to)}.\n`
  },
})
