import type { HistoryReport } from '../../state/view/history.ts'
import { command } from '../command.ts'
import { historyText } from '../output/history.ts'

export const historyCommand = command({
  name: 'history',
  group: 'read',
  summary: 'Show what happened to the volumes of this node',
  about:
    'Shows outages: their length, how they ended, and how soon I/O resumed after the target returned; who attached and detached volumes and changed or gave up holds; repairs; starts of the agent. The history is kept across reboots and upgrades, up to 4 MiB; the oldest events are dropped first. Only the agent records outages. Times are local; lengths are measured with the monotonic clock. Changes nothing.',
  usage: ['[NAME]'],
  argument: { name: 'NAME', required: false, completes: 'volume' },
  options: [],
  examples: [
    { command: 'lunkeeper history', does: 'of all volumes, the newest event last' },
    { command: 'lunkeeper history db', does: 'of one volume, also after it was detached' },
    {
      command: 'lunkeeper history --json | jq \'.outages[] | select(.io == "failed")\'',
      does: 'outages in which I/O failed',
    },
  ],
  async run(context, { argument }): Promise<HistoryReport> {
    const { historyReport } = await import('../../state/view/history.ts')
    return historyReport(await context.host(), argument)
  },
  text: historyText,
})
