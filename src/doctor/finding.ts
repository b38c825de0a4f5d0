import type { FindingCode } from './codes.ts'

export type Severity = 'critical' | 'warning' | 'info'

/** A thing that is wrong. A published contract. */
export interface Finding {
  readonly code: FindingCode
  readonly severity: Severity
  /** The volume, session, map or file that it is about. */
  readonly subject: string
  readonly message: string
  /** What was seen, for people and scripts. */
  readonly evidence: Readonly<Record<string, unknown>>
  /** What to do; null where nothing can be said. */
  readonly fix: string | null
}

/** What `--fix` did, or would do, about one finding. A published contract. */
export interface Repair {
  readonly code: FindingCode
  readonly subject: string
  readonly action: string
  readonly done: boolean
  /** Why it was not done; null where it was, or was only to be told. */
  readonly error: string | null
}

/** What `doctor` says. A published contract; `repairs` is there only where it was asked to fix. */
export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly repairs?: readonly Repair[]
}

const RANK: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 }

/** Critical ones first; else in the order in which they were found. */
export function bySeverity(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity])
}

/** Whether somebody has to do something. */
export function isSerious(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity !== 'info')
}
