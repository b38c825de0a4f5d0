import { LunkeeperError } from '../../model/errors.ts'
import type { Option, Values } from '../command.ts'

/** The flags of `drill`. */
export const DRILL_OPTIONS = [
  {
    name: 'story',
    value: 'NAME',
    choices: ['node-down', 'split'],
    help: 'node-down: the storage machine of two writers dies. split: the node of two writers is cut off, its volumes move to another node, and the first node comes back with the writes that it held. Default: node-down.',
  },
  {
    name: 'outage',
    value: 'SECONDS',
    help: 'Length of the outage, 10 to 300 seconds. It stands for 300 s, and the timers are scaled to match. Default: 25.',
  },
  {
    name: 'true-time',
    help: 'Do not scale: a five-minute outage, with stock timers of 120, 300 and 400 s, one after the other. Each takes six to seven minutes.',
  },
  {
    name: 'timer',
    value: 'SECONDS',
    choices: ['120', '300', '400'],
    help: 'With --true-time: use only this stock timer.',
  },
  {
    name: 'takeover',
    value: 'WHERE',
    choices: ['same', 'address'],
    help: "Where the second storage machine serves the target: at the failed machine's address (same), or at its own (address). Default: same.",
  },
  {
    name: 'fs',
    value: 'TYPE',
    choices: ['ext4', 'xfs'],
    help: 'File system on both volumes. Default: ext4.',
  },
  {
    name: 'debian',
    value: 'NAME',
    choices: ['bookworm', 'trixie'],
    help: 'Debian release, which selects the kernel (Linux 6.1 or 6.12) and open-iscsi. Default: bookworm.',
  },
  {
    name: 'report',
    value: 'FILE',
    completes: 'file',
    help: 'Path of the HTML report. With several drills, each gets a file with the timer in its name. Default: drill-report.html.',
  },
] as const satisfies readonly Option[]

/** The request passed to lab/drill/run.ts; absent fields use the lab's defaults. */
export interface DrillRequest {
  readonly story?: string
  readonly report: string
  /** The stock timer to use, in seconds; true: all of them, one after the other. */
  readonly trueTime: boolean | number
  readonly outage?: number
  readonly takeover?: string
  readonly fs?: string
  readonly debian?: string
}

/** @throws USAGE */
export function drillRequest(options: Values<typeof DRILL_OPTIONS>): DrillRequest {
  const { outage, timer, 'true-time': trueTime = false, report = 'drill-report.html', ...as } = options
  if (timer !== undefined && !trueTime) throw new LunkeeperError('USAGE', '--timer requires --true-time')
  if (outage !== undefined && trueTime)
    throw new LunkeeperError('USAGE', '--outage and --true-time cannot be combined')
  if (as.story === 'split' && trueTime)
    throw new LunkeeperError('USAGE', '--story split has no true-time cases: leave out --true-time')
  if (as.story === 'split' && as.takeover !== undefined)
    throw new LunkeeperError('USAGE', '--takeover requires --story node-down', {
      hint: 'In the split story the storage machine stays up; the volumes move between nodes.',
    })
  return {
    ...as,
    report,
    trueTime: timer === undefined ? trueTime : Number(timer),
    ...(outage === undefined ? {} : { outage: parseSeconds(outage) }),
  }
}

function parseSeconds(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new LunkeeperError('USAGE', `"${text}" is not a number of seconds`, { hint: 'Example: --outage 60' })
}
