import { setTimeout as sleep } from 'node:timers/promises'

import type { Diagnosis, Repair } from '../../doctor/finding.ts'
import { monotonicMs } from '../../host/clock.ts'
import type { RunResult } from '../../host/exec/run.ts'
import { runSelf } from '../../host/exec/self.ts'
import type { Host } from '../../host/host.ts'
import { isAnyHolding } from '../../state/records/hold-note.ts'
import { readShutdownGrace } from '../../state/records/shutdown-grace.ts'
import { RepairBudget } from './repair-budget.ts'

/** Interval between two runs. Urgent repairs are made at once by the monitors of the volumes. */
const INTERVAL_MS = 600_000
/** The repairs of a run take at most 5 min (doctor/repair/repair.ts), plus a diagnosis before and after. */
const DEADLINE_MS = 420_000

export interface RepairLoopOptions {
  readonly say: (line: string) => void
  readonly signal: AbortSignal
  /** @default 10 min */
  readonly intervalMs?: number
  /** Runs lunkeeper with these arguments. @default this program, in a separate process */
  readonly run?: (args: readonly string[]) => Promise<RunResult>
  /** @default the monotonic clock */
  readonly nowMs?: () => number
}

/**
 * Makes the safe repairs at intervals, by running `lunkeeper doctor --fix` in a separate process, because reading
 * thousands of disks would delay the agent's event loop. It does not repair during an outage or a shutdown, and
 * makes a limited number of runs per day: a problem that comes back has a cause that a user must find.
 * @returns when `signal` is aborted
 */
export async function repairRegularly(host: Host, options: RepairLoopOptions): Promise<void> {
  const { say, signal, intervalMs = INTERVAL_MS, nowMs = monotonicMs } = options
  const run = options.run ?? ((args) => runAsAgent(args, signal))
  const budget = new RepairBudget()
  for (;;) {
    await sleep(intervalMs, undefined, { signal, ref: false }).catch(() => {})
    if (signal.aborted) return
    const may = budget.may(nowMs())
    if (may === 'exhausted')
      say('repair: too many repairs in a day; see lunkeeper history and lunkeeper doctor')
    if (may !== 'yes' || isAnyHolding(host) || readShutdownGrace(host)) continue
    const repairs = await repairOnce(host, run, say)
    if (signal.aborted) return
    for (const { code, subject, action, done, error } of repairs)
      say(`repair: ${code} ${subject}: ${action}${done ? '' : `: not done: ${error}`}`)
    if (repairs.some(({ done }) => done)) budget.repaired(nowMs())
  }
}

async function repairOnce(
  host: Host,
  run: (args: readonly string[]) => Promise<RunResult>,
  say: (line: string) => void,
): Promise<readonly Repair[]> {
  const { places, paths } = host
  const where = ['--records', places.records, '--runtime', places.runtime]
  const root = paths.root === '/' ? [] : ['--host-root', paths.root]
  try {
    const ran = await run(['doctor', '--fix', '--json', ...where, ...root])
    const { repairs = [] } = JSON.parse(ran.stdout) as Partial<Diagnosis>
    return repairs
  } catch (error) {
    // It was stopped, or could not be started. The next run tries again.
    say(`repair: could not run doctor: ${(error as Error).message}`)
    return []
  }
}

function runAsAgent(args: readonly string[], signal: AbortSignal): Promise<RunResult> {
  return runSelf(args, { deadline: DEADLINE_MS, signal, env: { LUNKEEPER_ACTOR: 'agent' } })
}
