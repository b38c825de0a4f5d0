import type { Diagnosis } from '../../doctor/finding.ts'
import { isSerious } from '../../doctor/finding.ts'
import { REPAIRABLE } from '../../doctor/repair/plan.ts'
import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import { doctorText } from '../output/doctor.ts'

export const doctorCommand = command({
  name: 'doctor',
  group: 'look',
  summary: 'Diagnose this node, and repair what is safe to repair',
  about:
    'Checks every volume, session, map and record: holds that are short or running, wrong volumes and sizes, broken file systems, files in bare mount points, dead sessions, missing daemons, corrupt records, interrupted operations, phantoms and what makes them, timers, paths, versions, secrets. Changes nothing without --fix. With --fix it makes the repairs that are safe, each after a look at the kernel immediately before: it removes disks that nothing uses from targets that have volumes, maps and immutable directories that were left, node records that nothing needs; it finishes detaches and restores timers and the limit of dirty pages. With --fix CODE it makes the repairs of that finding only, also those that it does not make without being asked. A disk in use is never touched. Ends in bounded time, during an outage too. Exit status 3 if a finding that is critical or a warning is left.',
  usage: ['[--fix [CODE]] [--dry-run]'],
  options: [
    {
      name: 'fix',
      value: 'CODE',
      optional: true,
      choices: REPAIRABLE,
      help: 'Make the repairs that are safe, and report them. With CODE: those of that finding, whether safe or not.',
    },
    { name: 'dry-run', help: 'Show what --fix would do, and change nothing.' },
  ],
  examples: [
    { command: 'lunkeeper doctor', does: 'list all findings' },
    { command: 'lunkeeper doctor --fix --dry-run', does: 'show the repairs without making them' },
    { command: 'lunkeeper doctor --fix PHANTOMS', does: 'remove unused disks of all targets' },
  ],
  async run(context, { options }): Promise<Diagnosis> {
    const { doctor } = await import('../../doctor/doctor.ts')
    const host = await context.host()
    const { fix = false, 'dry-run': dryRun = false } = options
    const code = REPAIRABLE.find((one) => one === fix) ?? null
    if (dryRun) return doctor(host, { dryRun, code })
    if (!fix) return doctor(host, null)
    if (process.getuid?.() !== 0) throw new LunkeeperError('NO_PERMISSION', 'repairing requires root')
    return context.operate((told) => doctor(host, { dryRun, code, ...told }))
  },
  text: doctorText,
  exit: ({ findings }) => (isSerious(findings) ? 3 : 0),
})
