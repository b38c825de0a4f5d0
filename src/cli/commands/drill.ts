import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'
import type { DrillOutcome } from '../input/drill-result.ts'
import { DRILL_OPTIONS, drillRequest } from '../input/drill-request.ts'
import { packageRoot } from '../package-root.ts'

/** Enough for three true-time drills of seven minutes each, and for the first download of the kernels. */
const DEADLINE_MS = 30 * 60_000

export const drillCommand = command({
  name: 'drill',
  group: 'read',
  summary: 'Run an outage drill on real kernels',
  about:
    "Boots three real kernels as ordinary processes and runs an outage on them. Two writers run on a node, each with its own volume: one attached by open-iscsi, one by Lunkeeper. In the first story (node-down), the storage machine is killed and another one takes over its disks: the file system on open-iscsi fails when the session timer expires, and stays broken; the writer on Lunkeeper sees one slow write. In the second (split), the node is cut off, both volumes move to another node, and the first node comes back with the writes that it held: a long stock timer lets them overwrite the new owner's file system; Lunkeeper discards them. Every acknowledged block is read back, and a report with a chart is written. This machine is not touched, and root is not needed. Unless --true-time is given, the outage and all timers are scaled by one factor. Exit status 1 if Lunkeeper did not keep its guarantees. Available only in a source checkout, which contains the kernels' build.",
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
    const [{ runScript }, { drillResult }] = await Promise.all([
      import('../../host/exec/script.ts'),
      import('../input/drill-result.ts'),
    ])
    return drillResult(await runScript(program, [JSON.stringify(request)], { deadline: DEADLINE_MS }))
  },
  isDocument: true,
  text: (drills) => drills.map(({ summary, report }) => `${summary}\nreport: ${report}\n`).join('\n'),
  exit: (drills) => (drills.every(({ ok }) => ok) ? 0 : 1),
})

/** The lab's program. It is started, not imported, because the lab imports src/. @throws PROGRAM_MISSING */
function labProgram(): string {
  const program = fileURLToPath(new URL('lab/drill/run.ts', packageRoot()))
  if (existsSync(program)) return program
  throw new LunkeeperError('PROGRAM_MISSING', 'the lab is not installed with the program', {
    hint: 'The lab is part of the source checkout: clone it, and run `npm run drill` there.',
  })
}
