import { uptime } from 'node:os'

import type { Explanation, LogInput } from '../../explain/report.ts'
import { command } from '../command.ts'
import { explainText } from '../output/explain.ts'

export const explainCommand = command({
  name: 'explain',
  group: 'look',
  summary: 'Tell the story of outages from logs',
  about:
    'Reads logs and tells, for each iSCSI session: when its connection was lost and how that was noticed, when the timer ran out, what failed, what became read-only, when it came back and after how many attempts, and what hold would have prevented it. Names other causes of failed I/O and failed mounts, too, and what would have helped. Understands syslog, dmesg, journalctl in all their forms and languages, what collectors of logs make of them, and /dev/kmsg, of any size, also packed by gzip, zstd, xz or bzip2. Several files, rotated sets and directories are read side by side, in the order of time. Without FILE: the log that this kernel still has; what iscsid said (attempts, portals, the return) is not in that, so `journalctl | lunkeeper explain -` tells more. Exit status 1: no log could be read and understood. Changes nothing.',
  usage: ['[FILE|-]... [--html FILE]'],
  argument: { name: 'FILE|-', required: false, repeated: true, completes: 'file' },
  options: [
    {
      name: 'html',
      value: 'FILE',
      completes: 'file',
      help: 'Also write a page with a timeline of sessions, errors and returns; it needs nothing else.',
    },
  ],
  examples: [
    { command: 'lunkeeper explain /var/log/syslog', does: 'a file' },
    { command: 'lunkeeper explain /var/log/syslog*', does: 'it and all that were rotated' },
    { command: 'journalctl -b -1 | lunkeeper explain -', does: 'what the last boot lived through' },
    {
      command: 'lunkeeper explain n1.log n2.log --html outage.html',
      does: 'two hosts side by side, as a picture',
    },
    { command: 'lunkeeper explain --json', does: 'this kernel, for programs' },
  ],
  async run(_, { argument, more = [], options }): Promise<Explanation> {
    const [{ explainAll }, { logSource }, { logFiles }] = await Promise.all([
      import('../../explain/explain.ts'),
      import('../input/log-source.ts'),
      import('../input/log-files.ts'),
    ])
    const now = new Date()
    const own = argument === null ? { booted: new Date(now.getTime() - uptime() * 1000) } : {}
    const logs =
      argument === null
        ? [{ name: '/dev/kmsg', bytes: logSource(null) }]
        : await logFiles([argument, ...more])
    const explanation = await explainAll(logs, { now, ...own })
    if (options.html !== undefined) {
      const { writeTimeline } = await import('../output/timeline/write.ts')
      await writeTimeline(options.html, explanation)
    }
    return explanation
  },
  text: explainText,
  exit: ({ inputs }) => (inputs.some(isRead) ? 0 : 1),
})

/** An empty log has been read, too. */
const isRead = ({ understood, lines, problem }: LogInput): boolean =>
  understood || (lines === 0 && problem === null)
