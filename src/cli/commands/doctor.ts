import type { Diagnosis } from '../../doctor/finding.ts'
import { isSerious } from '../../doctor/finding.ts'
import { command } from '../command.ts'
import { doctorText } from '../output/doctor.ts'

export const doctorCommand = command({
  name: 'doctor',
  group: 'look',
  summary: 'Find what is wrong on this node, with evidence and remedy',
  about:
    'Looks at every volume, session, map and record, and says what is wrong and what to do: holds that are short or running, wrong volumes, broken file systems, files in bare mount points, dead sessions, missing daemons, corrupt records, interrupted operations, phantoms. Changes nothing without --fix, and ends in bounded time in an outage, too. Exit status 3 where something is critical or a warning.',
  usage: ['[--fix] [--dry-run]'],
  options: [
    {
      name: 'fix',
      help: 'Do what is safe, and say what was done: finish a detach that was interrupted, put a limit back.',
    },
    { name: 'dry-run', help: 'Say what --fix would do, and do nothing.' },
  ],
  examples: [
    { command: 'lunkeeper doctor', does: 'what is wrong' },
    { command: 'lunkeeper doctor --fix --dry-run', does: 'what would be done about it' },
  ],
  async run(context, { options }): Promise<Diagnosis> {
    const { doctor } = await import('../../doctor/doctor.ts')
    const host = await context.host()
    if (options['dry-run']) return doctor(host, { dryRun: true })
    if (!options.fix) return doctor(host, null)
    return context.operate((told) => doctor(host, { dryRun: false, ...told }))
  },
  text: doctorText,
  exit: ({ findings }) => (isSerious(findings) ? 3 : 0),
})
