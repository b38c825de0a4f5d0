import { isIscsidTending } from '../../host/read/node.ts'
import type { NodeCheck } from '../check.ts'

export const iscsidDown: NodeCheck = {
  name: 'iscsid',
  node({ host, snapshot: { sessions } }) {
    if (sessions.length === 0 || isIscsidTending(host.paths)) return []
    return [
      {
        code: 'ISCSID_DOWN',
        severity: 'critical',
        subject: 'iscsid',
        message: `no iscsid tends the sessions of this node (${sessions.length}): a lost connection would stay lost`,
        evidence: { sessions: sessions.map(({ sid }) => sid) },
        fix: 'systemctl start iscsid',
      },
    ]
  },
}
