import type { SessionStatus } from '../../model/attachment.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'
import { scanCauses, scanRemedy, scansOf } from './auto-scan.ts'

/** Number of disks that are named; `lunkeeper sessions` shows the rest. */
const MAX_SHOWN = 5

export const phantoms: NodeCheck = {
  name: 'phantoms',
  node: (scene) => judgePhantoms(...scansOf(scene)),
}

/** @param ours targets with volumes of ours @param site node.session.scan of iscsid.conf @param rules udev rules that scan */
export function judgePhantoms(
  sessions: readonly SessionStatus[],
  ours: ReadonlySet<string>,
  site: string | null,
  rules: readonly string[],
): Finding[] {
  return sessions.flatMap(({ sid, iqn, portal, scan, disks }) => {
    const found = disks.filter(({ owner }) => owner === 'phantom')
    if (found.length === 0) return []
    const isOurs = ours.has(iqn)
    const causes = { record: scan, site, rules }
    const why = scanCauses(causes)
    const remove = isOurs ? 'lunkeeper doctor --fix' : 'lunkeeper doctor --fix PHANTOMS'
    return [
      {
        code: 'PHANTOMS' as const,
        severity: isOurs ? ('warning' as const) : ('info' as const),
        subject: `session ${sid}`,
        message: `disks without an owner or a visible user: ${found.length} of ${iqn}${why.length > 0 ? `; ${why.join('; ')}` : ''}`,
        evidence: {
          session: sid,
          iqn,
          portal,
          count: found.length,
          first: found.slice(0, MAX_SHOWN),
          scan,
          rules,
        },
        fix: `${remove} removes those that nothing uses. ${['So that they do not come back', ...scanRemedy(causes, iqn)].join(': ')}`.replace(
          /So that they do not come back$/,
          'lunkeeper sessions shows all.',
        ),
      },
    ]
  })
}
