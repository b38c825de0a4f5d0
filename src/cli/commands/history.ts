import type { HistoryReport } from '../../state/view/history.ts'
import { command } from '../command.ts'
import { historyText } from '../output/history.ts'

export const historyCommand = command({
  name: 'history',
  group: 'look',
  summary: 'Show what happened to the volumes of this node',
  about:
    'Shows outages with their length, how they ended and how soon I/O went on after the target returned; who attached, detached, changed or gave up holds; repairs; starts of the agent. It is kept across reboots and upgrades, up to 4 MiB, the newest events first to stay. Outages are recorded by the agent only. Times are local; lengths are measured by a clock that is never set. Changes nothing.',
  usage: ['[NAME]'],
  argument: { name: 'NAME', required: false, completes: 'volume' },
  options: [],
  examples: [
    { command: 'lunkeeper history', does: 'of all volumes, the newest last' },
    { command: 'lunkeeper history db', does: 'of one, also after it was detached' },
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
