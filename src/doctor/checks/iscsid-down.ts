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
        message: `iscsid is not running, but this node has sessions (${sessions.length}): lost connections are not restored`,
        evidence: { sessions: sessions.map(({ sid }) => sid) },
        fix: 'systemctl start iscsid',
      },
    ]
  },
}
