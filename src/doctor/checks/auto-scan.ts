import type { SessionStatus } from '../../model/attachment.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'
import type { Scene } from '../scene.ts'
import { shellWord } from '../../model/shell.ts'

/** Why the kernel may create disks that no user requested. */
export interface ScanCauses {
  /** The setting in the node record; null if there is no record. */
  readonly record: string | null
  /** `node.session.scan` in iscsid.conf; null if it is not set there. */
  readonly site: string | null
  readonly rules: readonly string[]
}

/** The causes as text, the most likely first; empty if no cause is known. */
export function scanCauses({ record, site, rules }: ScanCauses): string[] {
  const isAuto = record === 'auto'
  return [
    ...(isAuto
      ? [
          site === 'manual'
            ? 'its node record has node.session.scan = auto, unlike iscsid.conf: it was made before, or by another program'
            : 'its node record has node.session.scan = auto, the default of iscsid.conf: each login asks for all LUNs',
        ]
      : []),
    ...rules.map((rule) => `the udev rule ${rule} scans when the target reports a change of its LUNs`),
  ]
}

/** The commands and changes that stop the scans. */
export function scanRemedy({ record, rules }: ScanCauses, iqn: string): string[] {
  return [
    ...(record === 'auto'
      ? [`iscsiadm -m node -T ${shellWord(iqn)} -o update -n node.session.scan -v manual`]
      : []),
    ...rules.map(
      (rule) => `ln -s /dev/null /etc/udev/rules.d/${shellWord(rule.slice(rule.lastIndexOf('/') + 1))}`,
    ),
  ]
}

export const autoScan: NodeCheck = {
  name: 'automatic scans',
  node: (scene) => judgeScans(...scansOf(scene)),
}

/** The sessions, the targets with volumes of ours, node.session.scan of iscsid.conf, and the udev rules that scan. */
export function scansOf({ sessions, records, facts: { site, scanRules } }: Scene) {
  const ours = new Set<string>(records.map(({ request }) => request.iqn))
  return [sessions, ours, site.get('node.session.scan') ?? null, scanRules] as const
}

/** Sessions with phantoms are reported by PHANTOMS, with the cause. */
export function judgeScans(
  sessions: readonly SessionStatus[],
  ours: ReadonlySet<string>,
  site: string | null,
  rules: readonly string[],
): Finding[] {
  const own = sessions.filter(({ iqn }) => ours.has(iqn))
  const quiet = own.filter(({ disks }) => disks.every(({ owner }) => owner !== 'phantom'))
  const ofSessions = quiet
    .filter(({ scan }) => scan === 'auto')
    .map(({ sid, iqn, portal }) => {
      const causes = { record: 'auto', site, rules: [] }
      return {
        code: 'AUTO_SCAN' as const,
        severity: 'info' as const,
        subject: `session ${sid}`,
        message: `a login by another program would make a disk of every LUN of ${iqn}: ${scanCauses(causes).join('; ')}`,
        evidence: { session: sid, iqn, portal, scan: 'auto', site },
        fix: scanRemedy(causes, iqn).join('; '),
      }
    })
  const ofRules = rules.map((rule) => ({
    code: 'AUTO_SCAN' as const,
    severity: own.length > 0 ? ('warning' as const) : ('info' as const),
    subject: rule,
    message:
      'this udev rule makes disks of all new LUNs of a target whenever it reports that its LUNs have changed',
    evidence: { rule, sessions: own.map(({ sid }) => sid) },
    fix: `${scanRemedy({ record: null, site, rules: [rule] }, '').join('; ')}; udevadm control --reload`,
  }))
  return [...ofSessions, ...ofRules]
}
