import type { NodeCheck } from '../check.ts'

export const recordCorrupt: NodeCheck = {
  name: 'the records',
  node: ({ corrupt }) =>
    corrupt.map(({ path, reason }) => ({
      code: 'RECORD_CORRUPT',
      severity: 'critical',
      subject: path,
      message: reason,
      evidence: { path, reason },
      fix: 'Detach the volume by its mount point or device, then move the file away.',
    })),
}
