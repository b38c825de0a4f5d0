import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import type { DrillOutcome } from '../input/drill-answer.ts'
import { DRILL_OPTIONS, drillRequest } from '../input/drill-request.ts'
import { packageRoot } from '../package-root.ts'

/** Three true-time drills of seven minutes each, and a first download of the kernels. */
const DEADLINE_MS = 30 * 60_000

export const drillCommand = command({
  name: 'drill',
  group: 'look',
  summary: 'Play an outage on real kernels, and watch',
  about:
    "Boots three real kernels as plain processes and plays an outage on them. Two writers run on a node, one volume each: one on open-iscsi, one on Lunkeeper. In the first story (node-down), the storage machine is killed and another one takes over its disks: the stock file system fails when its session timer expires, and stays broken; the other writer sees one slow write. In the second (split), the node is cut off, both volumes move to another node, and the first node comes back with the writes that it held: a long stock timer lets them overwrite the new owner's file system; Lunkeeper discards them. Every acknowledged block is read back, and a report with a chart is written. This machine is not touched, and root is not needed. Unless --true-time is given, the outage and all timers are scaled by one factor. Exit status 1 if Lunkeeper did not keep its guarantees. Available only in a source checkout, which contains the kernels' build.",
  usage: ['[--outage SECONDS]', '--true-time [--timer SECONDS]', '--story split'],
  options: DRILL_OPTIONS,
  examples: [
    { command: 'lunkeeper drill', does: 'a five-minute outage in half a minute' },
    { command: 'lunkeeper drill --takeover address --fs xfs', does: 'the target returns at another address' },
    {
      command: 'lunkeeper drill --story split',
      does: 'a node that has lost its volume comes back',
    },
    {
      command: 'lunkeeper drill --true-time --timer 120',
      does: "open-iscsi's default timer, in real time",
    },
  ],
  async run(_, { options }): Promise<DrillOutcome[]> {
    const request = drillRequest(options)
    const program = labProgram()
    const [{ runScript }, { drillAnswer }] = await Promise.all([
      import('../../host/exec/script.ts'),
      import('../input/drill-answer.ts'),
    ])
    return drillAnswer(await runScript(program, [JSON.stringify(request)], { deadline: DEADLINE_MS }))
  },
  isDocument: true,
  text: (drills) => drills.map(({ summary, report }) => `${summary}\nreport: ${report}\n`).join('\n'),
  exit: (drills) => (drills.every(({ ok }) => ok) ? 0 : 1),
})

/** The lab imports src/, so it is started as a program, not imported. @throws PROGRAM_MISSING */
function labProgram(): string {
  const program = fileURLToPath(new URL('lab/drill/run.ts', packageRoot()))
  if (existsSync(program)) return program
  throw new LunkeeperError('PROGRAM_MISSING', 'the lab is not installed with the program', {
    hint: 'The lab is part of the source checkout: clone it, and run `npm run drill` there.',
  })
}
