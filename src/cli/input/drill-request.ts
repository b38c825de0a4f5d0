import { LunkeeperError } from '../../model/errors.ts'
import type { Option, Values } from '../command.ts'

/** The flags of `drill`. */
export const DRILL_OPTIONS = [
  {
    name: 'outage',
    value: 'SECONDS',
    help: 'How long the target is away, 10 to 300. It stands for 300 s, and the timers are scaled with it. Default: 25.',
  },
  {
    name: 'true-time',
    help: 'Scale nothing: five minutes without a target, with stock timers of 120, 300 and 400 s, one after the other. Six to seven minutes each.',
  },
  {
    name: 'timer',
    value: 'SECONDS',
    choices: ['120', '300', '400'],
    help: 'With --true-time: only this stock timer.',
  },
  {
    name: 'takeover',
    value: 'WHERE',
    choices: ['same', 'address'],
    help: "Where the other machine serves: at the dead one's address, or at its own. Default: same.",
  },
  {
    name: 'fs',
    value: 'TYPE',
    choices: ['ext4', 'xfs'],
    help: 'The file system on both volumes. Default: ext4.',
  },
  {
    name: 'debian',
    value: 'NAME',
    choices: ['bookworm', 'trixie'],
    help: 'Whose kernels and open-iscsi: Linux 6.1 or 6.12. Default: bookworm.',
  },
  {
    name: 'report',
    value: 'FILE',
    completes: 'file',
    help: 'Where the report goes, one HTML file; of several drills, one file each, with the timer in its name. Default: drill-report.html.',
  },
] as const satisfies readonly Option[]

/** What lab/drill/run.ts is asked for; what is absent is up to it. */
export interface DrillRequest {
  readonly report: string
  /** Seconds; true is every case there is. */
  readonly trueTime: boolean | number
  readonly outage?: number
  readonly takeover?: string
  readonly fs?: string
  readonly debian?: string
}

/** @throws USAGE */
export function drillRequest(options: Values<typeof DRILL_OPTIONS>): DrillRequest {
  const { outage, timer, 'true-time': trueTime = false, report = 'drill-report.html', ...as } = options
  if (timer !== undefined && !trueTime)
    throw new LunkeeperError('USAGE', '--timer chooses one of the drills of --true-time')
  if (outage !== undefined && trueTime)
    throw new LunkeeperError('USAGE', '--outage and --true-time contradict each other')
  return {
    ...as,
    report,
    trueTime: timer === undefined ? trueTime : Number(timer),
    ...(outage === undefined ? {} : { outage: secondsOf(outage) }),
  }
}

function secondsOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new LunkeeperError('USAGE', `"${text}" is no number of seconds`, { hint: 'Example: --outage 60' })
}
