import type { Host } from '../host/host.ts'
import { diagnose } from './diagnose.ts'
import type { Diagnosis } from './finding.ts'
import type { RepairOptions } from './repair/repair.ts'
import { repair } from './repair/repair.ts'

/** All findings; with `fix`, those that remain after the repairs, and the repairs. @throws NO_PERMISSION */
export async function doctor(host: Host, fix: RepairOptions | null): Promise<Diagnosis> {
  const findings = await diagnose(host)
  if (!fix) return { findings }
  const repairs = await repair(host, findings, fix)
  return { findings: repairs.some(({ done }) => done) ? await diagnose(host) : findings, repairs }
}
