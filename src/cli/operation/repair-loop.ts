import { setTimeout as sleep } from 'node:timers/promises'

import type { Diagnosis, Repair } from '../../doctor/finding.ts'
import { monotonicMs } from '../../host/clock.ts'
import type { RunResult } from '../../host/exec/run.ts'
import { runSelf } from '../../host/exec/self.ts'
import type { Host } from '../../host/host.ts'
import { isAnyHolding } from '../../state/records/hold-note.ts'
import { readShutdownGrace } from '../../state/records/shutdown-grace.ts'
import { RepairBudget } from './repair-budget.ts'

/** How often the agent looks for what it can repair. It is not urgent: what is, its monitors do at once. */
const INTERVAL_MS = 600_000
/** The repairs of one run take 5 min at most (doctor/repair/repair.ts); and a look before and after. */
const DEADLINE_MS = 420_000

export interface RepairLoopOptions {
  readonly say: (line: string) => void
  readonly signal: AbortSignal
  /** @default 10 min */
  readonly intervalMs?: number
  /** Runs the program with these arguments. @default this one, as a process of its own */
  readonly run?: (args: readonly string[]) => Promise<RunResult>
  /** @default the monotonic clock */
  readonly nowMs?: () => number
}

/**
 * Makes the safe repairs now and then: `lunkeeper doctor --fix` in a process of its own, so that the agent's loop is not
 * delayed by reading thousands of disks. Not in an outage or a shutdown, and not without an end: what must be repaired
 * again and again has a cause, which a person must find.
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
    // It was stopped, or could not be started: the next time is soon enough.
    say(`repair: doctor could not be run: ${(error as Error).message}`)
    return []
  }
}

function runAsAgent(args: readonly string[], signal: AbortSignal): Promise<RunResult> {
  return runSelf(args, { deadline: DEADLINE_MS, signal, env: { LUNKEEPER_ACTOR: 'agent' } })
}
