import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import type { DrillOutcome } from '../input/drill-answer.ts'
import { DRILL_OPTIONS, drillRequest } from '../input/drill-request.ts'
import { packageRoot } from '../package-root.ts'

/** Three true-time drills of seven minutes, and a first download of the kernels. */
const DEADLINE = 30 * 60_000

export const drillCommand = command({
  name: 'drill',
  group: 'look',
  summary: 'Kill a storage machine under two writers, and watch',
  about:
    'Boots three real kernels as plain processes: a node, its storage machine, and another that takes over the disks. Two writers work on the node, one volume each: one on open-iscsi as it comes, one on Lunkeeper. The storage machine is killed. The stock file system breaks when the timer of its session runs out, and stays broken; the other writer has one slow write. Every acknowledged block is read back, and a report with a drawing is written. Nothing of this machine is touched, and nothing needs root. Outage and timers are scaled by one factor unless --true-time is given. Exit status 1 where Lunkeeper did not keep its promise. The kernels are in the source checkout only.',
  usage: ['[--outage SECONDS]', '--true-time [--timer SECONDS]'],
  options: DRILL_OPTIONS,
  examples: [
    { command: 'lunkeeper drill', does: 'five minutes in half a minute' },
    { command: 'lunkeeper drill --takeover address --fs xfs', does: 'the target comes back elsewhere' },
    {
      command: 'lunkeeper drill --true-time --timer 120',
      does: "open-iscsi's default, as it is on a real night",
    },
  ],
  async run(_, { options }): Promise<DrillOutcome[]> {
    const request = drillRequest(options)
    const program = labProgram()
    const [{ runScript }, { drillAnswer }] = await Promise.all([
      import('../../host/exec/script.ts'),
      import('../input/drill-answer.ts'),
    ])
    return drillAnswer(await runScript(program, [JSON.stringify(request)], { deadline: DEADLINE }))
  },
  isDocument: true,
  text: (drills) => drills.map(({ summary, report }) => `${summary}\nreport: ${report}\n`).join('\n'),
  exit: (drills) => (drills.every(({ ok }) => ok) ? 0 : 1),
})

/** The lab stands above everything in src/, so it is started, not imported. @throws PROGRAM_MISSING */
function labProgram(): string {
  const program = fileURLToPath(new URL('lab/drill/run.ts', packageRoot()))
  if (existsSync(program)) return program
  throw new LunkeeperError('PROGRAM_MISSING', 'the lab is not installed with the program', {
    hint: 'It is in the source checkout only: clone that, and run `npm run drill` there.',
  })
}
