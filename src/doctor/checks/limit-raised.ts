import { isAnyHolding } from '../../state/records/hold-note.ts'
import { readDirtyLimitNote } from '../../state/records/dirty-limit-note.ts'
import type { NodeCheck } from '../check.ts'

export const limitRaised: NodeCheck = {
  name: 'the limit of dirty pages',
  node({ host, agent }) {
    const note = readDirtyLimitNote(host)
    // A running agent is about to restore the limit.
    if (!note || agent || isAnyHolding(host)) return []
    return [
      {
        code: 'LIMIT_RAISED',
        severity: 'warning',
        subject: `vm.${note.setting}`,
        message: `the limit of dirty pages was raised from ${note.was} during an outage and was not restored`,
        evidence: { ...note },
        fix: 'Run lunkeeper doctor --fix.',
      },
    ]
  },
}
