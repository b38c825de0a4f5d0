import { uptime } from 'node:os'

import type { Explanation, LogInput } from '../../explain/report.ts'
import { command } from '../command.ts'
import { explainText } from '../output/explain.ts'

export const explainCommand = command({
  name: 'explain',
  group: 'read',
  summary: 'Explain outages from log files',
  about:
    'Reads logs and reports, for each iSCSI session: when the connection was lost and how that was detected, when the timer expired, what failed, what became read-only, when the session came back and after how many attempts, and which hold would have prevented the damage. Also names other causes of failed I/O and failed mounts, with a remedy. Reads syslog, dmesg, all forms and languages of journalctl, the output of log collectors, and /dev/kmsg, of any size, also compressed with gzip, zstd, xz or bzip2. Several files, rotated sets and directories are merged by time. Without FILE: the kernel log of this machine, which lacks the messages of iscsid (attempts, portals, the return), so `journalctl | lunkeeper explain -` shows more. Exit status 1 if no log could be read and recognized. Changes nothing, and writes no file but that of --html.',
  usage: ['[FILE|-]... [--html FILE]'],
  argument: { name: 'FILE|-', required: false, repeated: true, completes: 'file' },
  anywhere: true,
  options: [
    {
      name: 'html',
      value: 'FILE',
      completes: 'file',
      help: 'Also write a self-contained HTML page with a timeline of sessions, errors and returns. Replaces only an earlier page.',
    },
  ],
  examples: [
    { command: 'lunkeeper explain /var/log/syslog', does: 'one file' },
    { command: 'lunkeeper explain /var/log/syslog*', does: 'it and its rotated files' },
    { command: 'journalctl -b -1 | lunkeeper explain -', does: 'the previous boot' },
    {
      command: 'lunkeeper explain n1.log n2.log --html outage.html',
      does: 'two hosts side by side, as a chart',
    },
    { command: 'lunkeeper explain --json', does: 'the kernel log, for programs' },
  ],
  async run(_, { argument, more = [], options }): Promise<Explanation> {
    const [{ explainAll }, { logSource }, { logFiles }] = await Promise.all([
      import('../../explain/explain.ts'),
      import('../../host/logs/log-source.ts'),
      import('../../host/logs/log-files.ts'),
    ])
    const now = new Date()
    const bootTime = argument === null ? { booted: new Date(now.getTime() - uptime() * 1000) } : {}
    const logs =
      argument === null
        ? [{ name: '/dev/kmsg', bytes: logSource(null) }]
        : await logFiles([argument, ...more])
    const page = options.html === undefined ? null : await import('../output/timeline/write.ts')
    await page?.checkPageFile(
      options.html!,
      logs.map(({ name }) => name),
    )
    const explanation = await explainAll(logs, { now, ...bootTime })
    await page?.writeTimeline(options.html!, explanation)
    return explanation
  },
  text: explainText,
  exit: ({ inputs }) => (inputs.some(isExplained) ? 0 : 1),
})

/** Whether a log was read and recognized. An empty log counts as well. */
const isExplained = ({ understood, lines, problem }: LogInput): boolean =>
  understood || (lines === 0 && problem === null)
