import type { FindingCode } from './codes.ts'

/** `critical`: data is at risk or I/O fails now. `warning`: that would happen in an outage. `info`: good to know. */
export type Severity = 'critical' | 'warning' | 'info'

/** One thing that is wrong. A published contract. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** The volume, session, map or file concerned. */
  readonly subject: string
  readonly message: string
  /** The observed facts, for people and scripts. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** What to do; null if nothing is known to help. */
  readonly fix: string | null
}

/** What `--fix` did, or would do, about one finding. A published contract. */
export interface Repair {
  readonly code: FindingCode
  readonly subject: string
  readonly action: string
  readonly done: boolean
  /** Why the repair failed; null if it succeeded or was only shown. */
  readonly error: string | null
}

/** The result of `doctor`. A published contract; `repairs` is present only with --fix or --dry-run. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly repairs?: readonly Repair[]
}

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }

/** Critical findings first, otherwise in the order of the checks. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
}

/** Whether any finding requires action. */
export function isSerious(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== 'info')
}
