import type { CorruptRecord } from '../../state/records/volumes.ts'
import type { NodeCheck } from '../check.ts'
import type { Finding } from '../finding.ts'

export const recordCorrupt: NodeCheck = {
  name: 'the records',
  node: ({ corrupt }) => corrupt.map(findingOf),
}

function findingOf({ path, reason, error }: CorruptRecord): Finding {
  return {
    ...(error.code === 'RECORD_NEWER' ? { code: 'RECORD_NEWER' } : { code: 'RECORD_CORRUPT' }),
    severity: 'critical',
    subject: path,
    message: reason,
    evidence: { path, reason },
    fix: error.hint,
  }
}
