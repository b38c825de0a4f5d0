import { isAnyHolding } from '../../state/records/hold-note.ts'
import { readRoomNote } from '../../state/records/dirty-limit-note.ts'
import type { NodeCheck } from '../check.ts'

export const limitRaised: NodeCheck = {
  name: 'the limit of unwritten memory',
  node({ host, agent }) {
    const note = readRoomNote(host)
    // An agent that runs is just about to put it back.
    if (!note || agent || isAnyHolding(host)) return []
    return [
      {
        code: 'LIMIT_RAISED',
        severity: 'warning',
        subject: `vm.${note.setting}`,
        message: `it was raised from ${note.was} while a volume waited, and nobody has put it back`,
        evidence: { ...note },
        fix: 'lunkeeper doctor --fix',
      },
    ]
  },
}
