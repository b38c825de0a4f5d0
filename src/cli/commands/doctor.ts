import type { Diagnosis } from '../../doctor/finding.ts'
import { isSerious } from '../../doctor/finding.ts'
import { REPAIRABLE } from '../../doctor/repair/plan.ts'
import { requireRoot } from '../../host/root.ts'
import { command } from '../command.ts'
import { doctorText } from '../output/doctor.ts'

export const doctorCommand = command({
  name: 'doctor',
  group: 'read',
  summary: 'Diagnose this node, and repair what is safe to repair',
  about:
    'Checks volumes, sessions, maps and records, and reports findings: holds that are running or too short, wrong volumes and sizes, broken file systems, files in bare mount points, dead sessions, missing daemons, corrupt records, interrupted operations, phantoms and their causes, timers, paths, versions, secrets. Changes nothing without --fix. With --fix it makes the safe repairs, each after checking the kernel again: it removes unused disks from targets that have volumes; it removes leftover maps, immutable directories and node records; it finishes detaches; it restores timers and the dirty page limit. With --fix CODE it makes the repairs of that finding only, including those that require consent. A disk in use is never touched. Ends in bounded time, even during an outage. Exit status 3 if a critical finding or a warning remains; 1 if none does, but a repair failed.',
  usage: ['[--fix [CODE]] [--dry-run]'],
  options: [
    {
      name: 'fix',
      value: 'CODE',
      optional: true,
      choices: REPAIRABLE,
      help: 'Make the safe repairs, and report them. With CODE: make those of that finding, including those that require consent.',
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
    requireRoot('--fix')
    return context.operate((operation) => doctor(host, { dryRun, code, ...operation }))
  },
  text: doctorText,
  exit: ({ findings, repairs = [] }) =>
    isSerious(findings) ? 3 : repairs.some(({ error }) => error !== null) ? 1 : 0,
})
