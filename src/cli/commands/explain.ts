import { uptime } from 'node:os'

import type { Explanation } from '../../explain/report.ts'
import { command } from '../command.ts'
import { explainText } from '../output/explain.ts'

export const explainCommand = command({
  name: 'explain',
  group: 'look',
  summary: 'Tell the story of outages from a kernel log',
  about:
    'Reads a log and tells, for each iSCSI session: when its connection was lost and how that was noticed, when the timer ran out, what failed, what became read-only, when it came back and after how many attempts, and what hold would have prevented it. Understands syslog, dmesg, journalctl and /dev/kmsg, of any size, also packed by gzip or zstd, with other lines in between. Without FILE: the log that this kernel still has; what iscsid said (attempts, portals, the return) is not in that, so `journalctl | lunkeeper explain -` tells more. Changes nothing.',
  usage: ['[FILE|-]'],
  argument: { name: 'FILE|-', required: false, completes: 'file' },
  options: [],
  examples: [
    { command: 'lunkeeper explain /var/log/syslog', does: 'a file' },
    { command: 'lunkeeper explain /var/log/kern.log.2.gz', does: 'one that was rotated' },
    { command: 'journalctl -b -1 | lunkeeper explain -', does: 'what the last boot lived through' },
    { command: 'lunkeeper explain --json', does: 'this kernel, for programs' },
  ],
  async run(_, { argument }): Promise<Explanation> {
    const [{ explain }, { logSource }] = await Promise.all([
      import('../../explain/explain.ts'),
      import('../input/log-source.ts'),
    ])
    const now = new Date()
    const own = argument === null ? { booted: new Date(now.getTime() - uptime() * 1000) } : {}
    return explain(logSource(argument), { now, ...own })
  },
  text: explainText,
})
