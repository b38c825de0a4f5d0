import type { Host } from '../../host/host.ts'
import { expand } from '../../volumes/expand.ts'
import { setHold } from '../../hold/change.ts'
import { recordAct } from '../../state/records/history.ts'
import { listSessions } from '../../state/view/sessions.ts'
import { restoreDirtyLimit } from '../../volumes/holding/dirty-limit.ts'
import type { OperationControl } from '../../volumes/step.ts'
import type { FindingCode } from '../codes.ts'
import type { Finding, Repair } from '../finding.ts'
import {
  finishInterrupted,
  removeStaleRecord,
  removeUnownedMap,
  restrict,
  startUnit,
  unprotect,
} from './acts.ts'
import { endUnusedSession } from './end-session.ts'
import type { RepairStep } from './plan.ts'
import { planRepairs } from './plan.ts'
import { removePhantoms, sayKept } from './remove-disks.ts'

export interface RepairOptions extends OperationControl {
  readonly dryRun: boolean
  /** The one code whose repairs are made, including those that are made only on request. @default all that are safe */
  readonly code?: FindingCode | null
}

/** Limit for all repairs together; the next run makes the rest. A repair in progress ends by its own limits. */
const TOTAL_MS = 300_000

/** Makes the planned repairs one after another, and reports them. If one fails, the others are still made. */
export async function repair(
  host: Host,
  findings: readonly Finding[],
  { dryRun, code = null, ...control }: RepairOptions,
): Promise<Repair[]> {
  const steps = planRepairs(findings, { sessions: listSessions(host) }, code)
  if (dryRun) return steps.map((step) => repairOf(step, false, null))
  const end = performance.now() + TOTAL_MS
  const repairs: Repair[] = []
  for (const step of steps) {
    if (control.signal?.aborted) repairs.push(repairOf(step, false, 'stopped before'))
    else if (performance.now() > end) repairs.push(repairOf(step, false, 'no time was left; run it again'))
    else repairs.push(...(await make(host, step, control)))
  }
  return repairs
}

const repairOf = ({ code, subject, action }: RepairStep, done: boolean, error: string | null): Repair => ({
  code,
  subject,
  action,
  done,
  error,
})

/** @returns what was done, and what could not be done */
async function make(host: Host, step: RepairStep, control: OperationControl): Promise<Repair[]> {
  const made = await attempt(host, step, control)
  const volume = 'volume' in step ? step.volume : null
  for (const { code, action, error } of made)
    recordAct(host, volume, { event: 'repaired', code, action, error })
  return made
}

async function attempt(host: Host, step: RepairStep, control: OperationControl): Promise<Repair[]> {
  try {
    if (step.kind === 'remove-disks') return await removeDisks(host, step, control)
    await act(host, step, control)
    return [repairOf(step, true, null)]
  } catch (error) {
    return [repairOf(step, false, (error as Error).message)]
  }
}

async function removeDisks(
  host: Host,
  step: Extract<RepairStep, { kind: 'remove-disks' }>,
  control: OperationControl,
): Promise<Repair[]> {
  const { removed, kept } = await removePhantoms(host, step.session, step.iqn, step.disks, control)
  const done = { ...step, action: `remove disks that nothing uses: ${removed} of ${step.iqn}` }
  return [
    ...(removed > 0 || kept.length === 0 ? [repairOf(done, true, null)] : []),
    ...(kept.length > 0 ? [repairOf(step, false, sayKept(kept))] : []),
  ]
}

async function act(
  host: Host,
  step: Exclude<RepairStep, { kind: 'remove-disks' }>,
  control: OperationControl,
): Promise<unknown> {
  switch (step.kind) {
    case 'detach':
      return finishInterrupted(host, step, control)
    case 'restore-limit':
      return restoreDirtyLimit(host)
    case 'set-hold':
      return setHold(host, step.volume, null, control)
    case 'remove-map':
      return removeUnownedMap(host, step)
    case 'unprotect':
      return unprotect(host, step, control.signal)
    case 'remove-node-record':
      return removeStaleRecord(host, step, control.signal)
    case 'logout':
      return endUnusedSession(host, step, control.signal)
    case 'restrict':
      return restrict(host, step)
    case 'expand':
      return expand(host, step.volume, control)
    case 'start':
  }
  return startUnit(host, step, control.signal)
}
