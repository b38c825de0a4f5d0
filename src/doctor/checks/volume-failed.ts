import { readHoldNote } from '../../state/records/hold-note.ts'
import type { VolumeCheck } from '../check.ts'

export const volumeFailed: VolumeCheck = {
  name: 'the state',
  volume({ host }, { record, status: { name, state, paths, mount } }) {
    if (state !== 'failed') return []
    const note = readHoldNote(host, record.name)
    const wanted = record.request.use.mount
    const why = note?.ended
      ? `its hold ended (${note.ended}), and the volume has not recovered${note.trouble ? `: ${note.trouble}` : ''}`
      : wanted !== null && mount === null
        ? `it is not mounted at ${wanted}`
        : 'it has no usable path'
    return [
      {
        code: 'VOLUME_FAILED',
        severity: 'critical',
        subject: name,
        message: why,
        evidence: { ended: note?.ended ?? null, trouble: note?.trouble ?? null, wanted, mount, paths },
        fix: 'Bring the target back and stop the users of the volume, then run the same attach again.',
      },
    ]
  },
}
