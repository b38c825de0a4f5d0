import type { Diagnosis } from '../../doctor/finding.ts'
import { isSerious } from '../../doctor/finding.ts'
import { command } from '../command.ts'
import { doctorText } from '../output/doctor.ts'

export const doctorCommand = command({
  name: 'doctor',
  group: 'look',
  summary: 'Diagnose this node: findings with evidence and remedy',
  about:
    'Checks every volume, session, map and record: holds that are short or running, wrong volumes, broken file systems, files in bare mount points, dead sessions, missing daemons, corrupt records, interrupted operations, phantoms. Changes nothing without --fix. Ends in bounded time, during an outage too. Exit status 3 if a finding is critical or a warning.',
  usage: ['[--fix] [--dry-run]'],
  options: [
    {
      name: 'fix',
      help: 'Apply safe repairs and report them: finish an interrupted detach, restore the limit of dirty pages.',
    },
    { name: 'dry-run', help: 'Show what --fix would do, and change nothing.' },
  ],
  examples: [
    { command: 'lunkeeper doctor', does: 'list all findings' },
    { command: 'lunkeeper doctor --fix --dry-run', does: 'show the repairs without making them' },
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
