import type { Host } from '../host/host.ts'
import { detach } from '../volumes/detach/detach.ts'
import type { Observer } from '../volumes/step.ts'
import type { Finding, Repair } from './finding.ts'

export interface RepairOptions {
  readonly dryRun: boolean
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

/** The one thing that is safe without asking: to finish a detach that somebody began. Never with force. */
export function isRepairable({ code, evidence }: Finding): boolean {
  return code === 'INTERRUPTED' && evidence.phase === 'detaching'
}

/** Does what is safe, one after another, and says what it did. */
export async function repair(
  host: Host,
  findings: readonly Finding[],
  { dryRun, ...told }: RepairOptions,
): Promise<Repair[]> {
  const repairs: Repair[] = []
  for (const finding of findings.filter(isRepairable)) {
    const { code, subject } = finding
    const action = `finish the detach of ${subject}`
    try {
      if (!dryRun) await detach(host, subject, told)
      repairs.push({ code, subject, action, done: !dryRun, error: null })
    } catch (error) {
      repairs.push({ code, subject, action, done: false, error: (error as Error).message })
    }
  }
  return repairs
}
