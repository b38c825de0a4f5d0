import type { SessionStatus } from '../../model/attachment.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'
import { shellWord } from '../../model/shell.ts'

export const sessionUnused: NodeCheck = {
  name: 'sessions without a user',
  node: ({ sessions, records }) =>
    judgeUnused(sessions, new Set<string>(records.map(({ request }) => request.iqn))),
}

/** iscsid retries the login every few seconds, indefinitely, for a target that nothing here uses. */
export function judgeUnused(sessions: readonly SessionStatus[], ours: ReadonlySet<string>): Finding[] {
  return sessions.flatMap(({ sid, iqn, portal, state, disks }) => {
    const isUsed = ours.has(iqn) || disks.some(({ owner }) => owner !== 'phantom')
    if (state === 'LOGGED_IN' || isUsed) return []
    return [
      {
        code: 'SESSION_UNUSED' as const,
        severity: 'warning' as const,
        subject: `session ${sid}`,
        message: `it is ${state}, and iscsid keeps trying to log in to ${iqn} at ${portal ?? 'an unknown portal'}, which nothing visible uses`,
        evidence: { session: sid, iqn, portal, state, disks: disks.length },
        fix:
          portal === null
            ? `iscsiadm -m session -r ${sid} --logout`
            : `lunkeeper doctor --fix SESSION_UNUSED ends it if nothing has its disks open; or: iscsiadm -m node -T ${shellWord(iqn)} -p ${shellWord(portal)} --logout`,
      },
    ]
  })
}
