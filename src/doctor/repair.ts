import { giveRoomBack } from '../volumes/holding/dirty-limit.ts'
import type { Host } from '../host/host.ts'
import { detach } from '../volumes/detach/detach.ts'
import type { Observer } from '../volumes/step.ts'
import type { Finding, Repair } from './finding.ts'

export interface RepairOptions {
  readonly dryRun: boolean
  readonly observer?: Observer
  readonly signal?: AbortSignal
}

interface Remedy {
  readonly action: string
  apply(): unknown
}

/** The repair that is safe without asking, never with force. Null for all other findings. */
function remedyOf(
  host: Host,
  { code, subject, evidence }: Finding,
  told: Omit<RepairOptions, 'dryRun'>,
): Remedy | null {
  if (code === 'INTERRUPTED' && evidence.phase === 'detaching')
    return { action: `finish the detach of ${subject}`, apply: () => detach(host, subject, told) }
  if (code === 'LIMIT_RAISED')
    return { action: `set ${subject} to ${String(evidence.was)} again`, apply: () => giveRoomBack(host) }
  return null
}

/** Makes the safe repairs one after another, and reports them. */
export async function repair(
  host: Host,
  findings: readonly Finding[],
  { dryRun, ...told }: RepairOptions,
): Promise<Repair[]> {
  const repairs: Repair[] = []
  for (const finding of findings) {
    const { code, subject } = finding
    const remedy = remedyOf(host, finding, told)
    if (!remedy) continue
    const { action } = remedy
    try {
      if (!dryRun) await remedy.apply()
      repairs.push({ code, subject, action, done: !dryRun, error: null })
    } catch (error) {
      repairs.push({ code, subject, action, done: false, error: (error as Error).message })
    }
  }
  return repairs
}
