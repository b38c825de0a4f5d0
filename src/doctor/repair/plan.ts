import type { Attachment, SessionStatus } from '../../model/attachment.ts'
import type { Hold } from '../../model/hold.ts'
import type { FindingCode } from '../codes.ts'
import type { Finding } from '../finding.ts'

/** A disk to be removed, with everything that distinguishes it from a later one. */
export interface PlannedDisk {
  readonly hctl: string
  readonly lun: number
  readonly disk: string
}

interface Act {
  readonly code: FindingCode
  readonly subject: string
  /** The effect, as text. */
  readonly action: string
}

/** One repair: what it changes, by name. Its present state is read again before the repair is made. */
export type RepairStep = Act &
  (
    | { readonly kind: 'detach'; readonly volume: string; readonly phase: Attachment['phase'] }
    | { readonly kind: 'restore-limit' }
    | { readonly kind: 'set-hold'; readonly volume: string }
    | {
        readonly kind: 'remove-disks'
        readonly session: number
        readonly iqn: string
        readonly disks: readonly PlannedDisk[]
      }
    | { readonly kind: 'remove-map'; readonly map: string; readonly device: string }
    | { readonly kind: 'unprotect'; readonly directory: string }
    | { readonly kind: 'remove-node-record'; readonly iqn: string; readonly portal: string }
    | { readonly kind: 'logout'; readonly session: number; readonly iqn: string }
    | { readonly kind: 'restrict'; readonly path: string }
    | { readonly kind: 'expand'; readonly volume: string }
    | { readonly kind: 'start'; readonly unit: 'iscsid' | 'lunkeeper' }
  )

/** A repair of this kind. */
export type RepairStepOf<Kind extends RepairStep['kind']> = Extract<RepairStep, { kind: Kind }>

/** What a planner sees. */
export interface RepairFacts {
  readonly sessions: readonly SessionStatus[]
}

type Planner = (finding: Finding, facts: RepairFacts) => RepairStep | null

/** `safe`: done without asking. `consent`: done only if its code is named. */
interface Plans {
  readonly safe?: Planner
  readonly consent?: Planner
}

const act = ({ code, subject }: Finding, action: string): Act => ({ code, subject, action })

const PLANS: Partial<Record<FindingCode, Plans>> = {
  INTERRUPTED: {
    safe: (finding) =>
      finding.evidence['phase'] === 'detaching'
        ? {
            ...act(finding, `finish the detach of ${finding.subject}`),
            kind: 'detach',
            volume: finding.subject,
            phase: 'detaching',
          }
        : null,
    consent: (finding) => ({
      ...act(finding, `detach ${finding.subject}`),
      kind: 'detach',
      volume: finding.subject,
      phase: finding.evidence['phase'] as Attachment['phase'],
    }),
  },
  LIMIT_RAISED: {
    safe: (finding) => ({
      ...act(finding, `set ${finding.subject} to ${String(finding.evidence['was'])} again`),
      kind: 'restore-limit',
    }),
  },
  HOLD_SHORT: {
    safe: (finding) => {
      const hold = finding.evidence['wanted'] as Hold
      const words = hold === 'forever' ? hold : `${hold} s`
      return {
        ...act(finding, `hold I/O of ${finding.subject} for ${words} again`),
        kind: 'set-hold',
        volume: finding.subject,
      }
    },
  },
  PHANTOMS: {
    // In other cases a user may have logged in to use them.
    safe: (finding, facts) => (finding.severity === 'info' ? null : removeDisks(finding, facts)),
    consent: removeDisks,
  },
  MAP_UNOWNED: {
    safe: (finding) => ({
      ...act(finding, `remove the map ${finding.subject}`),
      kind: 'remove-map',
      map: finding.subject,
      device: String(finding.evidence['device']),
    }),
  },
  DIRECTORY_LEFT: {
    safe: (finding) => ({
      ...act(finding, `make ${finding.subject} writable again`),
      kind: 'unprotect',
      directory: finding.subject,
    }),
  },
  RECORD_STALE: {
    safe: (finding) => {
      const { iqn, portal } = finding.evidence
      return {
        ...act(finding, `remove the node record of ${String(iqn)} at ${String(portal)}`),
        kind: 'remove-node-record',
        iqn: String(iqn),
        portal: String(portal),
      }
    },
  },
  SESSION_UNUSED: {
    consent: (finding) => ({
      ...act(finding, `log ${finding.subject} out of ${String(finding.evidence['iqn'])}`),
      kind: 'logout',
      session: Number(finding.evidence['session']),
      iqn: String(finding.evidence['iqn']),
    }),
  },
  SECRET_READABLE: {
    consent: (finding) => ({
      ...act(finding, `make ${finding.subject} readable by root only`),
      kind: 'restrict',
      path: finding.subject,
    }),
  },
  STALE_SIZE: {
    consent: (finding) =>
      finding.severity === 'critical'
        ? null
        : { ...act(finding, `expand ${finding.subject}`), kind: 'expand', volume: finding.subject },
  },
  ISCSID_DOWN: {
    consent: (finding) => ({ ...act(finding, 'start iscsid'), kind: 'start', unit: 'iscsid' }),
  },
  AGENT_MISSING: {
    consent: (finding) => ({ ...act(finding, 'start the agent'), kind: 'start', unit: 'lunkeeper' }),
  },
}

/** Codes that `--fix CODE` takes. */
export const REPAIRABLE: readonly FindingCode[] = Object.keys(PLANS) as FindingCode[]

/**
 * The repairs for these findings.
 * @param consent the one code that the user named: all of its repairs, including those that are made only on
 * request. Null: all safe repairs
 */
export function planRepairs(
  findings: readonly Finding[],
  facts: RepairFacts,
  consent: FindingCode | null,
): RepairStep[] {
  return findings.flatMap((finding) => {
    const plans = PLANS[finding.code]
    if (consent === null) return plans?.safe?.(finding, facts) ?? []
    if (finding.code !== consent) return []
    return (plans?.consent ?? plans?.safe)?.(finding, facts) ?? []
  })
}

function removeDisks(finding: Finding, { sessions }: RepairFacts): RepairStep | null {
  const sid = Number(finding.evidence['session'])
  const session = sessions.find((one) => one.sid === sid)
  const disks = (session?.disks ?? []).flatMap(({ hctl, lun, disk, owner }) =>
    owner === 'phantom' && disk !== null ? [{ hctl, lun, disk }] : [],
  )
  if (!session || disks.length === 0) return null
  return {
    ...act(finding, `remove disks that nothing uses: ${disks.length} of ${session.iqn}`),
    kind: 'remove-disks',
    session: sid,
    iqn: session.iqn,
    disks,
  }
}
