import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { LunkeeperError } from '../../model/errors.ts'
import { command } from '../command.ts'

/** What the lab's drill takes and gives; it is no part of the package, so it is known here by its shape only. */
interface Drills {
  readonly drills: (
    request: Readonly<Record<string, unknown>>,
  ) => Promise<readonly { readonly ok: boolean; readonly report: string; readonly summary: string }[]>
}

const TIMERS = ['120', '300', '400'] as const

export const drillCommand = command({
  name: 'drill',
  group: 'look',
  summary: 'Kill a storage machine under two writers, and watch',
  about:
    'Boots three real kernels as plain processes: a node, a storage machine, and another that takes over its disks. Two writers work on the node, one kept by open-iscsi as it comes, one by Lunkeeper. The storage machine is killed; the one writer breaks, the other pauses. A report with a drawing is written. Nothing of this machine is touched. It needs the source checkout.',
  usage: [''],
  options: [
    {
      name: 'outage',
      value: 'SECONDS',
      help: 'how long the target is away, 10 to 300; the timers are scaled with it (25, which stands for 300)',
    },
    {
      name: 'true-time',
      help: 'nothing is scaled: five minutes without a target, with stock timers of 120, 300 and 400 s; six minutes each',
    },
    { name: 'timer', value: 'SECONDS', choices: TIMERS, help: 'with --true-time: this case only' },
    {
      name: 'takeover',
      value: 'WHERE',
      choices: ['same', 'address'],
      help: "the other machine takes the dead one's address, or serves at its own (same)",
    },
    { name: 'fs', value: 'TYPE', choices: ['ext4', 'xfs'], help: 'file system of both volumes (ext4)' },
    { name: 'debian', value: 'NAME', choices: ['bookworm', 'trixie'], help: 'Linux 6.1 or 6.12 (bookworm)' },
    { name: 'report', value: 'FILE', completes: 'file', help: 'where the report goes (drill-report.html)' },
  ],
  examples: [
    { command: 'lunkeeper drill', does: 'five minutes in half a minute' },
    {
      command: 'lunkeeper drill --true-time --timer 120',
      does: 'open-iscsi’s default, as it is on a real night',
    },
  ],
  async run(_, { options }) {
    const { drills } = await lab()
    const { outage, timer, report = 'drill-report.html', takeover, fs, debian } = options
    const trueTime = options['true-time'] ?? false
    if (timer !== undefined && !trueTime)
      throw new LunkeeperError('USAGE', '--timer chooses one of the cases of --true-time')
    try {
      return await drills({
        report,
        trueTime: trueTime && timer !== undefined ? Number(timer) : trueTime,
        ...(outage === undefined ? {} : { outage: Number(outage) }),
        ...(takeover === undefined ? {} : { takeover }),
        ...(fs === undefined ? {} : { fs }),
        ...(debian === undefined ? {} : { debian }),
      })
    } catch (error) {
      if (error instanceof RangeError) throw new LunkeeperError('USAGE', error.message, { cause: error })
      throw error
    }
  },
  text: (outcomes) => outcomes.map(({ summary, report }) => `${summary}\nreport: ${report}\n`).join('\n'),
  exit: (outcomes) => (outcomes.every(({ ok }) => ok) ? 0 : 1),
})

/** @throws PROGRAM_MISSING */
async function lab(): Promise<Drills> {
  const root = import.meta.url.endsWith('.ts') ? '../../../' : '../'
  const entry = new URL(`${root}lab/drill/index.ts`, import.meta.url)
  if (!existsSync(fileURLToPath(entry)))
    throw new LunkeeperError(
      'PROGRAM_MISSING',
      'the lab is not here: it is part of the source checkout only',
      {
        hint: 'In a checkout of Lunkeeper: npm run drill',
      },
    )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its shape is held by test/lab/drill.test.ts
  return (await import(entry.href)) as Drills
}
